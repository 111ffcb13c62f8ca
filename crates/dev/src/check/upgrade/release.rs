//! A release: a tag `v*`, and its programs.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::up::build::{self, Programs};

#[derive(Debug)]
pub(super) struct Release {
    workspace: PathBuf,
    tag: String,
}

impl Release {
    /// The newest that this commit comes after, or is; none where no tag is known, as in a
    /// checkout without them.
    pub(super) async fn newest(workspace: &Path) -> anyhow::Result<Option<Self>> {
        let shallow = git(workspace, &["rev-parse", "--is-shallow-repository"]).await?;
        if shallow == "true" {
            eprintln!("this checkout is shallow: only tags of the commits in it are known");
        }
        // Pre-releases are not rolled out.
        let tags = ["tag", "--list", "v*", "--merged", "HEAD", "--sort=-version:refname"];
        let tags = git(workspace, &tags).await?;
        let tag = tags.lines().find(|tag| !tag.contains('-'));
        Ok(tag.map(|tag| Self { workspace: workspace.to_owned(), tag: tag.to_owned() }))
    }

    pub(super) fn tag(&self) -> &str {
        &self.tag
    }

    /// Builds its programs from its own sources, in a worktree below `folder`.
    pub(super) async fn build(&self, folder: &Path) -> anyhow::Result<Programs> {
        let sources = folder.join("sources");
        let path = sources.to_str().context("the target folder's name is not UTF-8")?;
        if sources.exists() {
            git(&sources, &["checkout", "--quiet", "--force", "--detach", &self.tag]).await?;
        } else {
            // What is left of one that was removed by hand.
            git(&self.workspace, &["worktree", "prune"]).await?;
            let add = ["worktree", "add", "--quiet", "--force", "--detach", path, &self.tag];
            git(&self.workspace, &add).await?;
        }
        build::release(&sources, &folder.join("target")).await
    }
}

async fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .kill_on_drop(true)
        .output()
        .await
        .context("starting git")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {}: {}", arguments.join(" "), said.trim_end());
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
