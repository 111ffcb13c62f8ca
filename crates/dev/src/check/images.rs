//! The images that users build and the pair that they start from them: what `tests/images` does in
//! Python, with podman and buildah.

use anyhow::{Context as _, ensure};

use super::python::Environment;
use crate::{folders, servers::fetch::binaries};

pub(super) async fn check() -> anyhow::Result<()> {
    let python = Environment::prepare("images").await?;
    // Images are made from the whole folder.
    let servers = binaries().await?.nats_server;
    let servers = servers.parent().and_then(|bin| bin.parent()).context("it is in a folder")?;
    let mut command = python.command();
    command
        .arg("-B")
        .arg(folders::workspace().join("tests/images/run.py"))
        // Where manifests are rendered.
        .env("PYTHONPATH", folders::workspace().join("tests/k8s"))
        .env("TERTULIA_SERVERS", servers);
    let status = command.status().await?;
    ensure!(status.success(), "the images' checks failed ({status}); what they said is above");
    Ok(())
}
