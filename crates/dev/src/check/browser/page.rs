//! The page and what drives it, made from `tests/browser` in a folder of their own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::process::Command;

use super::{
    program::{command, succeed},
    tools::Tools,
};
use crate::folders;

/// Where users read how a page calls.
const DOCUMENT: &str = "docs/browsers.md";

/// What npm and buf make in that folder, where somebody works there too.
const MADE: [&str; 3] = ["node_modules", "gen", "dist"];

#[derive(Debug)]
pub(super) struct Page {
    folder: PathBuf,
    node: PathBuf,
}

impl Page {
    /// Installs what it needs, generates code from our protos, and bundles both.
    pub(super) async fn build(tools: &Tools) -> anyhow::Result<Self> {
        eprintln!("building the page ...");
        let folder = folders::target().join("check/browser-page");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let sources = folders::workspace().join("tests/browser");
        copy(&sources, &folder).with_context(|| sources.display().to_string())?;
        fs::write(folder.join("example.ts"), example()?)?;

        let mut install = command(&tools.npm, &folder);
        install.args(["ci", "--silent"]);
        succeed(install).await.context("what the page needs could not be installed")?;
        let mut ours = command(tools.buf(), &folder);
        ours.arg("generate").arg(folders::workspace());
        succeed(ours).await?;
        let mut details = command(tools.buf(), &folder);
        details.arg("generate").arg(&tools.wheels);
        details.arg("--path").arg(tools.wheels.join("google/rpc/error_details.proto"));
        succeed(details).await?;
        let mut build = command(&tools.npm, &folder);
        build.args(["run", "--silent", "build"]);
        let misfit = || format!("the page, or the example of {DOCUMENT}, does not fit the API");
        succeed(build).await.with_context(misfit)?;
        Ok(Self { folder, node: tools.node.clone() })
    }

    /// Checks everything; to be told where and as whom.
    pub(super) fn driver(&self) -> Command {
        let mut driver = command(&self.node, &self.folder);
        driver.arg("dist/driver.js");
        driver
    }
}

/// The page that the document shows.
fn example() -> anyhow::Result<String> {
    let document = fs::read_to_string(folders::workspace().join(DOCUMENT)).context(DOCUMENT)?;
    let rest = document.split_once("\n```ts\n").map(|(_, rest)| rest);
    let code = rest.and_then(|it| it.split_once("```\n")).map(|(code, _)| code.to_owned());
    code.with_context(|| format!("{DOCUMENT} shows no TypeScript"))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(name))?;
        } else if MADE.iter().all(|made| name != *made) {
            copy(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}
