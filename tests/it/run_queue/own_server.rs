//! A NATS server that one test has for itself, to stop and to wipe.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use dev::servers::{
    fetch::{self, Binaries},
    free_port,
    nats::{self, Config, Login},
    process::Process,
};
use run_queue::{Names, Service};
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::eventually;

pub(crate) struct OwnServer {
    binaries: Binaries,
    folder: TempDir,
    port: u16,
    process: Option<Process>,
    /// Of the deployment whose services may log in.
    names: Option<Names>,
}

impl OwnServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With a user for each service of a deployment.
    pub(crate) async fn for_services(names: &Names) -> Self {
        Self::start_with(Some(names.clone())).await
    }

    async fn start_with(names: Option<Names>) -> Self {
        let binaries = fetch::binaries().await.expect("the servers' programs can be had");
        // Whichever user the server runs as has to reach it.
        let open = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(open).tempdir().expect("there is room");
        let port = free_port().expect("a port is free");
        let mut server = Self { binaries, folder, port, process: None, names };
        server.start_again().await;
        server
    }

    /// The operator's way in.
    pub(crate) fn url(&self) -> String {
        self.url_of("tertulia")
    }

    pub(crate) fn url_of(&self, user: &str) -> String {
        format!("nats://{user}:secret@127.0.0.1:{}", self.port)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).expect("it has a log")
    }

    /// From now on it logs whatever clients send.
    pub(crate) async fn log_everything(&self) {
        let file = self.folder.path().join("data/nats.conf");
        let text = fs::read_to_string(&file).expect("it has a configuration");
        let mut settings: Value = serde_json::from_str(&text).expect("it is JSON");
        settings["trace"] = true.into();
        fs::write(&file, settings.to_string()).expect("there is room");
        self.signal("-HUP");
        let is_reloaded =
            async || self.log().contains("Reloaded server configuration").then_some(());
        eventually("the server reading its configuration again", is_reloaded).await;
    }

    /// With what it has stored before.
    pub(crate) async fn start_again(&mut self) {
        let (data, log) = (self.folder.path().join("data"), self.folder.path().join("log"));
        let logins: Vec<Login<'_>> = self.names.iter().flat_map(logins).collect();
        let config = Config {
            binaries: &self.binaries,
            data: &data,
            log: &log,
            port: self.port,
            password: "secret",
            services: &logins,
            durable: false,
        };
        let process = nats::spawn(&config).expect("it can be started");
        self.process = Some(nats::ready(process, &config).await.expect("it answers"));
    }

    pub(crate) async fn stop(&mut self) {
        let process = self.process.take().expect("it runs");
        process.stop().await.expect("it ends");
    }

    /// As a crash does, without a word to the clients.
    pub(crate) async fn crash(&mut self) {
        self.kill();
        self.stop().await;
    }

    fn kill(&self) {
        self.signal("-9");
    }

    fn signal(&self, signal: &str) {
        if let Some(process) = &self.process {
            let _ = Command::new("kill").args([signal, &process.pid().to_string()]).status();
        }
    }

    /// Forgets all streams; it has to be stopped.
    pub(crate) fn wipe(&self) {
        fs::remove_dir_all(self.folder.path().join("data/jetstream")).expect("it has streams");
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn logins(names: &Names) -> [Login<'_>; 2] {
    [Service::SessionService, Service::RunWorker].map(|service| Login {
        service,
        names,
        password: "secret",
    })
}
