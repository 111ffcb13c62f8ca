//! What this `up` has started.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    servers::process::{Process, Record},
    stack::{Folder, Pids},
};

const INTERVAL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Launch<'a> {
    folder: &'a Folder,
    records: Vec<Record>,
    processes: Vec<Process>,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(folder: &'a Folder) -> Self {
        Self { folder, records: Vec::new(), processes: Vec::new() }
    }

    pub(crate) fn folder(&self) -> &'a Folder {
        self.folder
    }

    /// Writes a process down as soon as it exists, so that it is found whatever happens next.
    pub(crate) fn started(&mut self, process: Process) -> anyhow::Result<Process> {
        self.records.push(process.record().clone());
        self.folder.save_records(&self.records)?;
        Ok(process)
    }

    /// From now on its end is noticed.
    pub(crate) fn watch(&mut self, process: Process) {
        self.processes.push(process);
    }

    /// Returns when a watched process has ended, with the reason.
    pub(crate) async fn first_to_end(&mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.processes.iter_mut().try_for_each(Process::check) {
                return error;
            }
            sleep(INTERVAL).await;
        }
    }

    pub(crate) fn pids(&self) -> Pids {
        let ids = |name| self.records.iter().filter(move |r| r.name == name).map(|r| r.pid);
        Pids {
            postgres: ids("postgres").next(),
            nats: ids("nats-server").next(),
            session_service: ids("session-service").next(),
            run_worker: ids("run-worker").collect(),
        }
    }
}
