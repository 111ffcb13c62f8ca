//! Builds what the stack runs, the way we were built ourselves.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::{environment, folders};

/// What `cargo run` tells us of ourselves. ring's build script looks at these: ring, and all that
/// depends on it, would be built anew whenever somebody else has built in between.
const OURS: [&str; 7] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

#[derive(Debug)]
pub struct Programs {
    pub migration: PathBuf,
    pub session_service: PathBuf,
    pub run_worker: PathBuf,
}

impl Programs {
    fn below(folder: &Path) -> Self {
        Self {
            migration: folder.join("migration"),
            session_service: folder.join("session-service"),
            run_worker: folder.join("run-worker"),
        }
    }
}

/// Builds them, and says where they are.
pub async fn services() -> anyhow::Result<Programs> {
    let executable = env::current_exe()?;
    let folder = executable.parent().context("our own program lies in no folder")?;
    // Tests lie one folder deeper than programs.
    let folder = folder.parent().filter(|_| folder.ends_with("deps")).unwrap_or(folder);
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    eprintln!("building the services ...");
    build(cargo().args(["--profile", profile]), &folders::workspace()).await?;
    Ok(Programs::below(folder))
}

/// Builds the services of another workspace, into a target folder of its own.
pub(crate) async fn release(workspace: &Path, target: &Path) -> anyhow::Result<Programs> {
    eprintln!("building the services of {} ...", workspace.display());
    build(cargo().arg("--locked").arg("--target-dir").arg(target), workspace).await?;
    Ok(Programs::below(&target.join("debug")))
}

/// Builds the services as they are deployed, and the program that measures them.
pub(crate) async fn optimized() -> anyhow::Result<(Programs, PathBuf)> {
    eprintln!("building the services and the bench, optimized ...");
    let target = folders::target();
    let mut command = cargo();
    command.args(["--release", "--package", "bench"]).arg("--target-dir").arg(&target);
    build(&mut command, &folders::workspace()).await?;
    let folder = target.join("release");
    Ok((Programs::below(&folder), folder.join("bench")))
}

async fn build(command: &mut Command, workspace: &Path) -> anyhow::Result<()> {
    let status = command
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        .args(["--package", "migration"])
        .args(["--package", "session-service"])
        .args(["--package", "run-worker"])
        .kill_on_drop(true)
        .status()
        .await
        .context("starting cargo")?;
    ensure!(status.success(), "cargo build failed ({status})");
    Ok(())
}

fn cargo() -> Command {
    let mut command =
        Command::new(environment::variable("CARGO").unwrap_or_else(|| "cargo".into()));
    for variable in OURS {
        command.env_remove(variable);
    }
    command.arg("build");
    command
}
