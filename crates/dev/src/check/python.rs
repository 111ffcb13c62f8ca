//! A Python of the suite's own, with the packages that its requirements pin.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::folders;

#[derive(Debug)]
pub(super) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Makes the environment of a suite, unless there is one with the same requirements.
    pub(super) async fn prepare(name: &str, requirements: &Path) -> anyhow::Result<Self> {
        let wanted =
            fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
        let folder = folders::target().join(format!("check/{name}-python"));
        let environment = Self { folder };
        // Written last, so that it stands for a whole environment.
        let marker = environment.folder.join("requirements.txt");
        if fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
            return Ok(environment);
        }
        eprintln!("installing the packages of `{name}` ...");
        environment.install(requirements).await?;
        fs::write(&marker, wanted)?;
        Ok(environment)
    }

    async fn install(&self, requirements: &Path) -> anyhow::Result<()> {
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(&self.folder);
        succeed(create).await.context("is there python3-venv?")?;
        let mut install = self.command();
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        install.args(["--no-deps", "--only-binary=:all:", "--requirement"]).arg(requirements);
        succeed(install).await
    }

    /// Its interpreter, to be given what to run.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(self.folder.join("bin/python"));
        command.kill_on_drop(true);
        command
    }
}

async fn succeed(mut command: Command) -> anyhow::Result<()> {
    let status = command.kill_on_drop(true).status().await;
    let program = command.as_std().get_program().display();
    let status = status.with_context(|| program.to_string())?;
    ensure!(status.success(), "{program} failed ({status}); what it said is above");
    Ok(())
}
