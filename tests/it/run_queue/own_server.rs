//! A NATS server that one test has for itself, to stop and to wipe.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use dev::servers::{
    fetch::{self, Binaries},
    free_port,
    nats::{self, Config},
    process::Process,
};
use tempfile::TempDir;

pub(crate) struct OwnServer {
    binaries: Binaries,
    folder: TempDir,
    port: u16,
    process: Option<Process>,
}

impl OwnServer {
    pub(crate) async fn start() -> Self {
        let binaries = fetch::binaries().await.expect("the servers' programs can be had");
        // Whichever user the server runs as has to reach it.
        let open = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new().permissions(open).tempdir().expect("there is room");
        let port = free_port().expect("a port is free");
        let mut server = Self { binaries, folder, port, process: None };
        server.start_again().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://tertulia:secret@127.0.0.1:{}", self.port)
    }

    /// With what it has stored before.
    pub(crate) async fn start_again(&mut self) {
        let (data, log) = (self.folder.path().join("data"), self.folder.path().join("log"));
        let config = Config {
            binaries: &self.binaries,
            data: &data,
            log: &log,
            port: self.port,
            password: "secret",
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
        if let Some(process) = &self.process {
            let _ = Command::new("kill").args(["-9", &process.pid().to_string()]).status();
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
