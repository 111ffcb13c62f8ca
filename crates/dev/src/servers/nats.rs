//! One NATS server with JetStream and passwords on 127.0.0.1.

mod accounts;

use std::{fs::DirBuilder, os::unix::fs::DirBuilderExt, path::Path, time::Duration};

use anyhow::Context;
use async_nats::{Client, ConnectOptions, ServerAddr, jetstream};
use run_queue::{Names, Service};
use serde_json::json;
use tokio::time::timeout;

use super::{
    account::Account,
    fetch::Binaries,
    postgres::write_secret,
    process::{Process, Shutdown},
};

/// The user who may do everything.
pub(crate) const OPERATOR: &str = "tertulia";
const PATIENCE: Duration = Duration::from_secs(30);
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Config<'a> {
    pub binaries: &'a Binaries,
    /// Holds the configuration file and the streams; a later start continues them.
    pub data: &'a Path,
    pub log: &'a Path,
    pub port: u16,
    /// The operator's.
    pub password: &'a str,
    /// Who else may log in.
    pub services: &'a [Login<'a>],
    /// True syncs to disk before a message is acknowledged.
    pub durable: bool,
}

/// A service's, with the rights that it needs in a deployment.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    pub service: Service,
    pub names: &'a Names,
    pub password: &'a str,
}

impl Config<'_> {
    /// The operator's way in.
    pub fn url(&self) -> String {
        url(OPERATOR, self.password, self.port)
    }

    /// NATS' configuration language accepts JSON.
    fn text(&self) -> String {
        let mut jetstream = json!({ "store_dir": self.data.join("jetstream") });
        if self.durable {
            jetstream["max_file_store"] = "8G".into();
            jetstream["sync_interval"] = "always".into();
        } else {
            // A stream's size bound counts as used from its start; every test has its own streams.
            jetstream["max_file_store"] = "1T".into();
        }
        let operator = json!({ "user": OPERATOR, "password": self.password });
        let text = json!({
            "listen": format!("127.0.0.1:{}", self.port),
            "jetstream": jetstream,
            "accounts": accounts::accounts(&operator, self.services),
        });
        format!("{text:#}\n")
    }
}

pub(crate) fn url(user: &str, password: &str, port: u16) -> String {
    format!("nats://{user}:{password}@127.0.0.1:{port}")
}

/// Starts the server without waiting for it; see [`ready`].
pub fn spawn(config: &Config<'_>) -> anyhow::Result<Process> {
    let account = Account::for_servers()?;
    account.check_reach(&config.binaries.nats_server)?;
    if !config.data.exists() {
        DirBuilder::new()
            .mode(0o700)
            .create(config.data)
            .with_context(|| config.data.display().to_string())?;
        account.give(config.data)?;
    }
    let file = config.data.join("nats.conf");
    write_secret(&file, &config.text())?;
    account.give(&file)?;
    let mut command = account.command(&config.binaries.nats_server);
    command.arg("-c").arg(&file);
    Process::spawn("nats-server", &mut command, config.log, &file, Shutdown::Graceful)
}

/// Waits until the server answers; if it doesn't, stops it.
pub async fn ready(process: Process, config: &Config<'_>) -> anyhow::Result<Process> {
    let url = config.url();
    process.ready(PATIENCE, || check(&url)).await
}

pub(crate) async fn check(url: &str) -> anyhow::Result<()> {
    let client = timeout(CONNECT_PATIENCE, connect(url)).await.context("no answer in time")??;
    jetstream::new(client).query_account().await?;
    Ok(())
}

/// Connects with the user and password of the URL, which async-nats would leave unused.
pub async fn connect(url: &str) -> anyhow::Result<Client> {
    let address: ServerAddr = url.parse()?;
    let mut options = ConnectOptions::new();
    if let (Some(user), Some(password)) = (address.username(), address.password()) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    Ok(options.connect(address).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(durable: bool) -> String {
        let file = Path::new("/nowhere");
        let binaries = Binaries::in_folder(file);
        let (data, password) = (Path::new(r#"/odd "path""#), "secret");
        let services = &[];
        Config { binaries: &binaries, data, log: file, port: 4222, password, services, durable }
            .text()
    }

    #[test]
    fn only_a_durable_server_syncs_each_message() {
        assert!(text(true).contains(r#""sync_interval": "always""#));
        assert!(!text(false).contains("sync_interval"));
    }

    #[test]
    fn the_configuration_quotes_paths() {
        assert!(text(true).contains(r#""/odd \"path\"/jetstream""#));
    }
}
