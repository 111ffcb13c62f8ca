//! Programs that the check runs.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::environment;

/// Finds the first of these programs that the machine has.
pub(super) fn find(names: &[&str]) -> Option<PathBuf> {
    let folders = environment::variable("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&folders).collect();
    let files = names.iter().flat_map(|name| folders.iter().map(move |it| it.join(name)));
    files.into_iter().find(|file| file.is_file())
}

/// A program that runs in a folder, and ends with us.
pub(super) fn command(program: impl AsRef<Path>, folder: &Path) -> Command {
    let mut command = Command::new(program.as_ref());
    command.current_dir(folder).kill_on_drop(true);
    command
}

/// Runs a program to its end, which must be a success.
pub(super) async fn succeed(mut command: Command) -> anyhow::Result<()> {
    let status = command.status().await;
    let program = command.as_std().get_program().display();
    let status = status.with_context(|| program.to_string())?;
    ensure!(status.success(), "{program} failed ({status}); what it said is above");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_the_first_name_that_there_is() {
        let found = find(&["no-such-program", "sh"]).unwrap();
        assert!(found.is_absolute() && found.ends_with("sh"), "{}", found.display());
        assert_eq!(find(&["no-such-program"]), None);
    }
}
