//! Child processes that may outlive us: each in a process group of its own, its output in a log
//! file, to be found and stopped again by its [`Record`].

use std::{
    fs::{self, File},
    future::Future,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

const POLL: Duration = Duration::from_millis(50);
const FIRST_PATIENCE: Duration = Duration::from_secs(30);
const LAST_PATIENCE: Duration = Duration::from_secs(5);
const TAIL_LINES: usize = 20;

/// What it takes to find a process again and to stop it, from another program too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    pub name: String,
    pub pid: u32,
    /// A part of its command line that no other process has.
    pub marker: String,
    pub shutdown: Shutdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// SIGTERM: finish what is under way.
    Graceful,
    /// SIGINT, then SIGQUIT: Postgres' fast and immediate shutdown.
    Postgres,
}

impl Shutdown {
    fn signals(self) -> &'static [Signal] {
        match self {
            Self::Graceful => &[Signal::SIGTERM, Signal::SIGKILL],
            Self::Postgres => &[Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL],
        }
    }
}

impl Record {
    /// Whether the process lives and is still the program that was started: ids are reused.
    pub fn is_running(&self) -> bool {
        command_line(self.pid).is_some_and(|command| command.contains(&self.marker))
    }

    /// Asks it to end, less politely each time, until it has ended.
    pub async fn stop(&self) -> anyhow::Result<()> {
        self.end(|| !self.is_running()).await
    }

    async fn end(&self, mut has_ended: impl FnMut() -> bool) -> anyhow::Result<()> {
        let mut patience = FIRST_PATIENCE;
        for signal in self.shutdown.signals() {
            if has_ended() {
                return Ok(());
            }
            self.send(*signal)?;
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                sleep(POLL).await;
                if has_ended() {
                    return Ok(());
                }
            }
            patience = LAST_PATIENCE;
        }
        bail!("{} (process {}) does not end", self.name, self.pid)
    }

    fn send(&self, signal: Signal) -> anyhow::Result<()> {
        match kill(Pid::from_raw(self.pid.try_into()?), signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("stopping {}", self.name)),
        }
    }
}

/// `None` for a process that doesn't exist, or has ended and only waits for its parent.
fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self/cmdline").exists() {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let command = String::from_utf8_lossy(&arguments).replace('\0', " ");
        return Some(command).filter(|command| !command.is_empty());
    }
    let pid = pid.to_string();
    let output = Command::new("ps").args(["-ww", "-o", "command=", "-p", &pid]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A process that we started. Dropping it leaves it running.
#[derive(Debug)]
pub struct Process {
    record: Record,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its output in a new log file; `marker` is as in [`Record`].
    pub(crate) fn spawn(
        name: &str,
        command: &mut Command,
        log: &Path,
        marker: &Path,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let output = File::create(log).with_context(|| log.display().to_string())?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let marker = marker.display().to_string();
        let record = Record { name: name.to_owned(), pid: child.id(), marker, shutdown };
        Ok(Self { record, child, log: log.to_owned() })
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn pid(&self) -> u32 {
        self.record.pid
    }

    /// Fails, with the end of its log, if the process has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself ({status}); {}", self.record.name, self.tail())
            }
        }
    }

    /// Waits until `probe` succeeds. If the process ends before, or takes too long, it is stopped
    /// and the error says why.
    pub(crate) async fn ready<F: Future<Output = anyhow::Result<()>>>(
        mut self,
        patience: Duration,
        probe: impl Fn() -> F,
    ) -> anyhow::Result<Self> {
        let deadline = Instant::now() + patience;
        loop {
            self.check()?;
            let answer = probe().await;
            self.check()?;
            match answer {
                Ok(()) => return Ok(self),
                Err(error) if Instant::now() > deadline => {
                    let message = format!("{} does not answer; {}", self.record.name, self.tail());
                    self.stop().await?;
                    return Err(error.context(message));
                }
                Err(_) => sleep(POLL).await,
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        self.record.send(signal)
    }

    /// How it ended, if it does so in time.
    pub(crate) async fn end_within(
        &mut self,
        patience: Duration,
    ) -> anyhow::Result<Option<ExitStatus>> {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait()? {
                None if Instant::now() < deadline => sleep(POLL).await,
                ended => return Ok(ended),
            }
        }
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        // Its command line shows only some time after the start, its end at once.
        let child = &mut self.child;
        self.record.end(|| !matches!(child.try_wait(), Ok(None))).await
    }

    fn tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        format!("the end of {}:\n{tail}", self.log.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(shutdown: Shutdown, folder: &Path) -> Process {
        let mut command = Command::new("sleep");
        command.arg("64738");
        Process::spawn("sleeper", &mut command, &folder.join("log"), Path::new("64738"), shutdown)
            .unwrap()
    }

    #[tokio::test]
    async fn a_process_is_known_by_its_command_and_not_by_its_id_alone() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(Shutdown::Graceful, folder.path());
        let record = process.record().clone();
        let probe = async || record.is_running().then_some(()).context("not yet");
        let process = process.ready(Duration::from_secs(10), probe).await.unwrap();
        let other = Record { marker: "another program".into(), ..process.record().clone() };

        assert!(process.record().is_running());
        assert!(!other.is_running());
        other.stop().await.unwrap();
        assert!(process.record().is_running());

        process.stop().await.unwrap();
        assert!(!record.is_running());
    }

    #[tokio::test]
    async fn an_early_end_is_reported_with_the_end_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck; exit 3"]);
        let log = folder.path().join("log");
        let process =
            Process::spawn("luck", &mut command, &log, Path::new("luck"), Shutdown::Graceful)
                .unwrap();

        let probe = async || anyhow::bail!("nothing there");
        let error = process.ready(Duration::from_secs(10), probe).await.unwrap_err().to_string();

        assert!(error.contains("luck ended by itself (exit status: 3)"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }
}
