//! The program that measures. It and all that it starts are one process group, and end together.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(50);
/// How long it may take to stop what it has started.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Measurer(Child);

impl Measurer {
    pub(super) fn start(
        program: &Path,
        setup: &Path,
        arguments: &[OsString],
    ) -> anyhow::Result<Self> {
        let child = Command::new(program)
            .arg("--setup")
            .arg(setup)
            .args(arguments)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self(child))
    }

    /// Waits for its end, which has to be a success.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        loop {
            match self.0.try_wait()? {
                Some(status) => {
                    ensure!(status.success(), "the bench ended with {status}");
                    return Ok(());
                }
                None => sleep(POLL).await,
            }
        }
    }

    fn is_over(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Measurer {
    fn drop(&mut self) {
        let Ok(group) = i32::try_from(self.0.id()).map(Pid::from_raw) else { return };
        // That nobody is left of the group is what is wanted.
        let _ = killpg(group, Signal::SIGTERM);
        let deadline = Instant::now() + PATIENCE;
        while !self.is_over() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use tokio::time::timeout;

    use super::*;

    /// A program that starts another, writes down its id, and waits for it.
    fn program(folder: &Path, last: &str) -> PathBuf {
        let program = folder.join("program");
        let script =
            format!("#!/bin/sh\nsleep 64738 &\necho $! > $2.new && mv $2.new $2\n{last}\n");
        fs::write(&program, script).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        program
    }

    async fn id_in(file: &Path) -> String {
        while !file.exists() {
            sleep(POLL).await;
        }
        fs::read_to_string(file).unwrap().trim().to_owned()
    }

    fn runs(id: &str) -> bool {
        let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        !state.is_empty() && !state.contains(") Z ")
    }

    #[tokio::test]
    async fn what_it_has_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let program = program(folder.path(), "wait");
        let measurer = Measurer::start(&program, &file, &[]).unwrap();
        let id = id_in(&file).await;
        assert!(runs(&id));

        drop(measurer);

        // It was told to; when it has, is up to the machine.
        let ended = async {
            while runs(&id) {
                sleep(POLL).await;
            }
        };
        assert_eq!(timeout(PATIENCE, ended).await, Ok(()));
    }

    #[tokio::test]
    async fn its_failure_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("id");
        let program = program(folder.path(), "exit 7");
        let mut measurer = Measurer::start(&program, &file, &[]).unwrap();

        let error = measurer.end().await.unwrap_err().to_string();

        assert!(error.contains("exit status: 7"), "{error}");
    }
}
