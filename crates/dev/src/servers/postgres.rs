//! One Postgres server with scram passwords on 127.0.0.1.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::{process::Command, time::timeout};
use tokio_postgres::{Client, NoTls};

use super::{
    account::Account,
    fetch::Binaries,
    process::{Process, Shutdown},
};

/// A start after a crash replays what was not yet written.
const PATIENCE: Duration = Duration::from_secs(90);
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Config<'a> {
    pub binaries: &'a Binaries,
    /// Created on the first start; a later start continues it.
    pub data: &'a Path,
    pub log: &'a Path,
    pub port: u16,
    /// The superuser's; a later start must give the same.
    pub password: &'a str,
    /// False trades safety after a crash of the machine for speed.
    pub durable: bool,
    /// Its own `shared_buffers`, if not those that it has by default.
    pub shared_buffers: Option<&'static str>,
}

impl Config<'_> {
    /// The superuser's way in.
    pub fn url(&self) -> String {
        url("postgres", self.password, self.port, "postgres")
    }
}

pub(crate) fn url(role: &str, password: &str, port: u16, database: &str) -> String {
    format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
}

/// Starts the server without waiting for it; see [`ready`].
pub async fn spawn(config: &Config<'_>) -> anyhow::Result<Process> {
    let account = Account::for_servers()?;
    account.check_reach(&config.binaries.postgres)?;
    if !config.data.exists() {
        initialise(config, account).await?;
    }
    let mut command = account.command(&config.binaries.postgres);
    command.arg("-D").arg(config.data).arg("-p").arg(config.port.to_string());
    let buffers = config.shared_buffers.map(|it| format!("shared_buffers={it}"));
    let mut settings =
        vec!["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"];
    settings.extend(buffers.as_deref());
    if !config.durable {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
    }
    for setting in settings {
        command.args(["-c", setting]);
    }
    Process::spawn("postgres", &mut command, config.log, config.data, Shutdown::Postgres)
}

/// Waits until the server answers the superuser; if it doesn't, stops it.
pub async fn ready(process: Process, config: &Config<'_>) -> anyhow::Result<Process> {
    let url = config.url();
    process.ready(PATIENCE, || check(&url)).await
}

pub(crate) async fn check(url: &str) -> anyhow::Result<()> {
    connect(url).await?.simple_query("SELECT 1").await?;
    Ok(())
}

pub(crate) async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = timeout(CONNECT_PATIENCE, tokio_postgres::connect(url, NoTls))
        .await
        .context("no answer in time")??;
    tokio::spawn(connection);
    Ok(client)
}

/// The data folder is complete or absent: it gets its name when initdb has ended well.
async fn initialise(config: &Config<'_>, account: Account) -> anyhow::Result<()> {
    let unfinished = sibling(config.data, "new");
    let password_file = sibling(config.data, "password");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    DirBuilder::new()
        .mode(0o700)
        .create(&unfinished)
        .with_context(|| unfinished.display().to_string())?;
    account.give(&unfinished)?;
    write_secret(&password_file, config.password)?;
    account.give(&password_file)?;
    let result = initdb(config, account, &unfinished, &password_file).await;
    fs::remove_file(&password_file)?;
    result?;
    fs::rename(&unfinished, config.data)?;
    Ok(())
}

async fn initdb(
    config: &Config<'_>,
    account: Account,
    data: &Path,
    password_file: &Path,
) -> anyhow::Result<()> {
    let mut command = account.command(&config.binaries.initdb);
    command.arg("-D").arg(data).arg("--pwfile").arg(password_file);
    command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8"]);
    // Postgres' own collation: the same on every system, and there even where libc has no C.UTF-8.
    command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]);
    if !config.durable {
        command.arg("--no-sync");
    }
    let output =
        Command::from(command).kill_on_drop(true).output().await.context("starting initdb")?;
    if !output.status.success() {
        bail!("initdb ended with {}:\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn sibling(path: &Path, extension: &str) -> PathBuf {
    path.with_added_extension(extension)
}

pub(crate) fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    // A new file, never one that somebody else has put there.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| path.display().to_string());
        }
        _ => (),
    }
    let mut file = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
