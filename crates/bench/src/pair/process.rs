//! One of the pair's processes, its output in a log of its own.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::setup::Setup;

const PATIENCE: Duration = Duration::from_secs(60);
/// Far below what a start takes: what is measured is little more than what it took.
const POLL: Duration = Duration::from_millis(2);
/// How long it may take to finish what it has begun.
const DRAIN: Duration = Duration::from_secs(40);

#[derive(Debug)]
pub(super) struct Process {
    name: &'static str,
    pid: u32,
    began: Instant,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it. Dropped, it is killed.
    pub(super) fn spawn(
        name: &'static str,
        command: &mut Command,
        setup: &Setup,
    ) -> anyhow::Result<Self> {
        let logs = setup.folder.join("logs");
        fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        let log = logs.join(format!("{name}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {}", command.as_std().get_program().display()))?;
        let pid = child.id().context("it was not waited for yet")?;
        Ok(Self { name, pid, began, child, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until `probe` succeeds, and returns how long that took from the start.
    pub(super) async fn ready(
        &mut self,
        probe: impl AsyncFn() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        loop {
            self.check()?;
            match probe().await {
                Ok(()) => return Ok(self.began.elapsed()),
                Err(error) if PATIENCE < self.began.elapsed() => {
                    return Err(error.context(format!(
                        "{} does not answer; see {}",
                        self.name,
                        self.log.display()
                    )));
                }
                Err(_) => sleep(POLL).await,
            }
        }
    }

    /// Fails if it has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                bail!("{} ended by itself ({status}); see {}", self.name, self.log.display())
            }
        }
    }

    /// Has it finish what it has begun, and waits for its end, which has to be a success.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.check()?;
        let pid = Pid::from_raw(self.pid.try_into()?).context("processes have ids above 0")?;
        kill_process(pid, Signal::TERM)?;
        let ended = timeout(DRAIN, self.child.wait()).await;
        let status = ended.with_context(|| format!("{} does not end", self.name))??;
        ensure!(status.success(), "{} ended with {status}; see {}", self.name, self.log.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::setup::{Nats, Postgres, Service};

    fn setup(folder: &Path) -> Setup {
        let service = Service { program: "sh".into(), env: Default::default() };
        Setup {
            folder: folder.to_owned(),
            postgres: Postgres { url: String::new(), pid: 0, settings: Default::default() },
            nats: Nats { url: String::new(), pid: 0 },
            session_service: service.clone(),
            run_worker: service,
            jwt_secret: String::new(),
        }
    }

    fn shell(script: &str, folder: &Path) -> Process {
        let mut command = Command::new("sh");
        Process::spawn("shell", command.args(["-c", script]), &setup(folder)).unwrap()
    }

    #[tokio::test]
    async fn one_that_ends_by_itself_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("exit 3", folder.path());

        let error = process.ready(async || bail!("not yet")).await.unwrap_err().to_string();

        assert!(error.contains("shell ended by itself (exit status: 3)"), "{error}");
        assert!(error.contains("logs/shell.log"), "{error}");
    }

    #[tokio::test]
    async fn one_that_does_not_end_well_when_asked_to_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trapped");
        let script = format!("trap 'exit 5' TERM; touch {}; sleep 64738 & wait", file.display());
        let mut process = shell(&script, folder.path());
        let is_trapped = async || {
            ensure!(file.exists(), "not yet");
            Ok(())
        };
        process.ready(is_trapped).await.unwrap();

        let error = process.stop().await.unwrap_err().to_string();

        assert!(error.contains("exit status: 5"), "{error}");
    }
}
