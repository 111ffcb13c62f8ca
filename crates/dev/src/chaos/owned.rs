//! A child process that does not outlive the harness, unless the harness itself is killed.

use std::{thread, time::Duration};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use crate::servers::process::{Process, Shutdown};

const POLL: Duration = Duration::from_millis(20);
const LAST_POLLS: usize = 250;
/// A start after a crash takes Postgres some time.
const PATIENCE: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(crate) struct Owned(Option<Process>);

impl Owned {
    pub(crate) fn new(process: Process) -> Self {
        Self(Some(process))
    }

    pub(crate) fn get(&mut self) -> anyhow::Result<&mut Process> {
        self.0.as_mut().context("the process was stopped")
    }

    /// Waits until `probe` succeeds; fails if the process ends before, or takes too long.
    pub(crate) async fn ready(
        &mut self,
        probe: impl AsyncFn() -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.get()?.check()?;
            match probe().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    bail!("{} does not answer: {error:#}", self.get()?.record().name);
                }
                Err(_) => sleep(POLL).await,
            }
        }
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        match self.0.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(process) = &mut self.0 else { return };
        if process.check().is_err() {
            return;
        }
        // Killed, Postgres would leave its own children behind for a while.
        let signal = match process.record().shutdown {
            Shutdown::Graceful => Signal::SIGKILL,
            Shutdown::Postgres => Signal::SIGQUIT,
        };
        if process.signal(signal).is_err() {
            return;
        }
        for _ in 0..LAST_POLLS {
            if process.check().is_err() {
                return;
            }
            thread::sleep(POLL);
        }
    }
}
