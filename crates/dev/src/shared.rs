//! The servers that all test processes of the workspace share.
//!
//! A server has a folder in `target/test-servers` with its `server.json` and a file `users/PID`
//! for each process that uses it. A watchdog, started with the server, ends it when no user has
//! been alive for a while. A user registers before it relies on `server.json`, and the watchdog
//! removes `server.json` before it counts the users for the last time, so neither misses the other.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::{fs::DirBuilderExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::{
    environment, folders,
    servers::{
        account::{create_new_reachable, is_root},
        fetch::{self, Binaries},
        free_port, nats, password, postgres,
        process::{Process, Record},
    },
};

const WATCHDOG: &str = include_str!("watchdog.sh");
const IDLE_SECONDS: &str = "20";
/// A port that was free may be taken before the server has it.
const ATTEMPTS: usize = 3;

#[derive(Debug, Clone)]
pub struct Servers {
    /// A role that may create databases and roles, in the database `postgres`.
    pub database_url: String,
    pub nats_url: String,
}

/// The servers named by `DATABASE_URL` and `NATS_URL`; for what isn't set, the embedded server that
/// all test processes share, started if need be.
pub async fn test_servers() -> anyhow::Result<Servers> {
    static SERVERS: OnceCell<Servers> = OnceCell::const_new();
    SERVERS.get_or_try_init(|| Box::pin(find_or_start())).await.cloned()
}

async fn find_or_start() -> anyhow::Result<Servers> {
    let (database_url, nats_url) =
        tokio::try_join!(Kind::Postgres.find_or_start(), Kind::Nats.find_or_start())?;
    Ok(Servers { database_url, nats_url })
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Postgres,
    Nats,
}

/// What `server.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Running {
    url: String,
    record: Record,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Nats => "nats",
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "DATABASE_URL",
            Self::Nats => "NATS_URL",
        }
    }

    async fn find_or_start(self) -> anyhow::Result<String> {
        if let Some(url) = environment::variable(self.variable()) {
            return Ok(url);
        }
        let root = folders::target().join("test-servers");
        fs::create_dir_all(&root)?;
        let lock = File::create(root.join(format!("{}.lock", self.name())))?;
        let lock = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await??;
        let url = match self.find(&root).await? {
            Some(url) => url,
            None => self.start_in(&root).await?,
        };
        drop(lock);
        Ok(url)
    }

    /// Looks for a running server, and clears away what is left of those that don't run any more.
    async fn find(self, root: &Path) -> anyhow::Result<Option<String>> {
        let prefix = format!("{}-", self.name());
        for entry in fs::read_dir(root)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !name.starts_with(&prefix) {
                continue;
            }
            let folder = root.join(&name);
            let server = read(&folder.join("server.json"));
            if let Some(server) = &server
                && self.join(&folder, server).await
            {
                return Ok(Some(server.url.clone()));
            }
            let server = server.or_else(|| read(&folder.join("retired.json")));
            if !server.is_some_and(|server| server.record.is_running()) {
                let _ = fs::remove_dir_all(files_folder(&folder));
                let _ = fs::remove_dir_all(&folder);
            }
        }
        Ok(None)
    }

    async fn join(self, folder: &Path, server: &Running) -> bool {
        let joined = register(folder).is_ok()
            && folder.join("server.json").exists()
            && server.record.is_running()
            && self.check(&server.url).await.is_ok();
        if !joined {
            let _ = fs::remove_file(user_file(folder));
        }
        joined
    }

    async fn check(self, url: &str) -> anyhow::Result<()> {
        match self {
            Self::Postgres => postgres::check(url).await,
            Self::Nats => nats::check(url).await,
        }
    }

    async fn start_in(self, root: &Path) -> anyhow::Result<String> {
        let binaries = fetch::binaries().await?;
        let mut attempt = 1;
        loop {
            match self.start(root, &binaries).await {
                Err(error) if attempt < ATTEMPTS => eprintln!("trying again: {error:#}"),
                result => return result,
            }
            attempt += 1;
        }
    }

    async fn start(self, root: &Path, binaries: &Binaries) -> anyhow::Result<String> {
        let folder = root.join(format!("{}-{}", self.name(), &password()?[..32]));
        DirBuilder::new().mode(0o700).create(&folder)?;
        register(&folder)?;
        let files = files_folder(&folder);
        create_new_reachable(&files).with_context(|| files.display().to_string())?;
        let (data, log) = (&files.join("data"), &folder.join("server.log"));
        let password = &password()?;
        let (port, durable, shared_buffers) = (free_port()?, false, None);
        let (url, process) = match self {
            Self::Postgres => {
                let config = postgres::Config {
                    binaries,
                    data,
                    log,
                    port,
                    password,
                    durable,
                    shared_buffers,
                };
                let process = watched(postgres::spawn(&config).await?, &folder, &files)?;
                (config.url(), postgres::ready(process, &config).await?)
            }
            Self::Nats => {
                let services = &[];
                let config =
                    nats::Config { binaries, data, log, port, password, services, durable };
                let process = watched(nats::spawn(&config)?, &folder, &files)?;
                (config.url(), nats::ready(process, &config).await?)
            }
        };
        let running = Running { url: url.clone(), record: process.record().clone() };
        fs::write(folder.join("server.json"), serde_json::to_string_pretty(&running)?)?;
        Ok(url)
    }
}

fn read(file: &Path) -> Option<Running> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

fn user_file(folder: &Path) -> PathBuf {
    folder.join("users").join(process::id().to_string())
}

fn register(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder.join("users"))?;
    fs::write(user_file(folder), "")?;
    Ok(())
}

/// Where its data lies. As root, the servers' user may not be able to reach the target folder.
fn files_folder(folder: &Path) -> PathBuf {
    match folder.file_name() {
        Some(name) if is_root() => {
            Path::new("/var/tmp").join(format!("tertulia-test-{}", name.display()))
        }
        _ => folder.join("files"),
    }
}

/// Starts the watchdog of a server that was just started.
fn watched(process: Process, folder: &Path, files: &Path) -> anyhow::Result<Process> {
    let script = folder.join("watchdog.sh");
    fs::write(&script, WATCHDOG)?;
    let log = File::create(folder.join("watchdog.log"))?;
    Command::new("sh")
        .arg(script)
        .args([folder, files])
        .args([&process.pid().to_string(), IDLE_SECONDS])
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_shared_servers_answer_and_are_shared() {
        let servers = test_servers().await.unwrap();
        let again = Kind::Postgres.find_or_start().await.unwrap();

        postgres::check(&servers.database_url).await.unwrap();
        nats::check(&servers.nats_url).await.unwrap();
        assert_eq!(again, servers.database_url);
    }
}
