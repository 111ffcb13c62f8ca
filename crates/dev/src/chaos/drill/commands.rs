//! The commands of the operations guide, as an operator would type them.

use std::path::Path;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::folders;

const GUIDE: &str = "docs/operations.md";

/// The first block of shell commands below a heading of the guide.
fn below(heading: &str) -> anyhow::Result<String> {
    let guide = std::fs::read_to_string(folders::workspace().join(GUIDE)).context(GUIDE)?;
    let (_, section) = guide
        .split_once(&format!("\n### {heading}\n"))
        .with_context(|| format!("{GUIDE} has no section `{heading}`"))?;
    let block = section.split_once("\n```sh\n").and_then(|(_, rest)| rest.split_once("\n```"));
    let (block, _) = block.with_context(|| format!("`{heading}` of {GUIDE} has no commands"))?;
    Ok(block.to_owned())
}

/// Executes them in a folder, with Postgres' programs and ours on the path.
pub(super) async fn execute(
    heading: &str,
    folder: &Path,
    path: &[&Path],
    variables: &[(&str, &str)],
) -> anyhow::Result<()> {
    let mut search: Vec<_> = path.iter().map(|it| it.display().to_string()).collect();
    search.push("/usr/bin:/bin".to_owned());
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &below(heading)?]).current_dir(folder).kill_on_drop(true);
    shell.env_clear().env("PATH", search.join(":")).envs(variables.iter().copied());
    let output = shell.output().await.context("starting sh")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`{heading}` of {GUIDE} failed ({}): {said}", output.status);
    Ok(())
}
