//! Processes that must not work while others are measured.

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

/// Processes that stand still for as long as this lives.
#[derive(Debug)]
pub(crate) struct Halted(Vec<Pid>);

impl Halted {
    pub(crate) fn all(ids: &[u32]) -> anyhow::Result<Self> {
        let mut halted = Self(Vec::new());
        for id in ids {
            let pid = Pid::from_raw((*id).try_into()?).context("a process has no id")?;
            kill_process(pid, Signal::STOP)?;
            halted.0.push(pid);
        }
        Ok(halted)
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        for pid in &self.0 {
            // One that has ended need not go on.
            let _ = kill_process(*pid, Signal::CONT);
        }
    }
}
