//! The folder of a stack, `target/dev` for that of `up`: what runs, and its logs.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{
    folders,
    servers::{postgres::write_secret, process::Record},
};

/// `stack.json`, there while the stack is ready.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub(crate) grpc: String,
    /// Where the session service's probes and metrics are.
    pub(crate) admin: String,
    pub(crate) worker_admins: Vec<String>,
    pub(crate) database_url: String,
    pub(crate) dataset_database_url: String,
    pub(crate) nats_url: String,
    pub(crate) demo_agent_id: i64,
    pub(crate) pids: Pids,
}

/// Servers that are not ours have no id here.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pids {
    pub(crate) postgres: Option<u32>,
    pub(crate) nats: Option<u32>,
    pub(crate) session_service: Option<u32>,
    pub(crate) run_worker: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn open() -> anyhow::Result<Self> {
        Self::in_target("dev")
    }

    pub(crate) fn in_target(name: &str) -> anyhow::Result<Self> {
        let path = folders::target().join(name);
        fs::create_dir_all(path.join("logs")).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.canonicalize()? })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn settings(&self) -> PathBuf {
        self.path.join("settings.json")
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path.join("logs").join(format!("{name}.log"))
    }

    /// Held while a command starts or stops processes.
    pub(crate) async fn lock(&self) -> anyhow::Result<File> {
        let file = File::create(self.path.join("lock"))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => eprintln!("waiting for another `cargo dev` ..."),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        Ok(tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await??)
    }

    /// The stack, if all that belongs to it runs.
    pub(crate) fn running(&self) -> anyhow::Result<Option<Stack>> {
        let records = self.records()?;
        let complete = !records.is_empty() && records.iter().all(Record::is_running);
        Ok(self.read(&self.stack_file())?.filter(|_| complete))
    }

    pub(crate) fn is_announced(&self) -> bool {
        self.stack_file().exists()
    }

    pub(crate) fn announce(&self, stack: &Stack) -> anyhow::Result<()> {
        self.write(&self.stack_file(), stack)
    }

    /// What was started, in this order; some of it may have ended.
    pub(crate) fn records(&self) -> anyhow::Result<Vec<Record>> {
        Ok(self.read(&self.records_file())?.unwrap_or_default())
    }

    pub(crate) fn save_records(&self, records: &[Record]) -> anyhow::Result<()> {
        self.write(&self.records_file(), records)
    }

    /// Stops what was started, the last first. Whoever watches the stack sees it withdrawn before
    /// a process ends. True if anything was running.
    pub(crate) async fn stop_all(&self) -> anyhow::Result<bool> {
        remove(&self.stack_file())?;
        let mut any = false;
        for record in self.records()?.iter().rev().filter(|record| record.is_running()) {
            record.stop().await?;
            eprintln!("stopped {} (process {})", record.name, record.pid);
            any = true;
        }
        remove(&self.records_file())?;
        Ok(any)
    }

    /// The files hold credentials. A reader sees the whole of them or nothing.
    pub(crate) fn write<T: Serialize + ?Sized>(
        &self,
        file: &Path,
        value: &T,
    ) -> anyhow::Result<()> {
        let unfinished = file.with_added_extension("new");
        write_secret(&unfinished, &format!("{}\n", serde_json::to_string_pretty(value)?))?;
        Ok(fs::rename(&unfinished, file)?)
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, file: &Path) -> anyhow::Result<Option<T>> {
        if !file.exists() {
            return Ok(None);
        }
        let text = fs::read(file)?;
        Ok(Some(serde_json::from_slice(&text).with_context(|| file.display().to_string())?))
    }

    fn stack_file(&self) -> PathBuf {
        self.path.join("stack.json")
    }

    fn records_file(&self) -> PathBuf {
        self.path.join("processes.json")
    }
}

fn remove(file: &Path) -> anyhow::Result<()> {
    if file.exists() {
        fs::remove_file(file)?;
    }
    Ok(())
}
