//! Whose rights the servers run with. Postgres refuses to run as root, so root's servers run as
//! `nobody`, and their files lie where that user can reach them.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use anyhow::{Context, bail};
use nix::unistd::{Uid, User};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Account {
    other: Option<(u32, u32)>,
}

pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Creates a folder that root's servers can reach, whatever the umask.
pub(crate) fn create_reachable(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_reachable(parent)?;
    }
    match create_new_reachable(folder) {
        // Somebody else has just made it.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.with_context(|| folder.display().to_string()),
    }
}

/// As [`create_reachable`], for a folder that nobody else may have made.
pub(crate) fn create_new_reachable(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)?;
    if is_root() {
        fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

impl Account {
    pub(crate) fn for_servers() -> anyhow::Result<Self> {
        if !is_root() {
            return Ok(Self { other: None });
        }
        let nobody = User::from_name("nobody")?
            .context("running as root, the servers need a user `nobody`, which does not exist")?;
        Ok(Self { other: Some((nobody.uid.as_raw(), nobody.gid.as_raw())) })
    }

    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some((uid, gid)) = self.other {
            command.uid(uid).gid(gid);
        }
        command
    }

    pub(crate) fn give(self, path: &Path) -> io::Result<()> {
        match self.other {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// Starts `program --version`, which fails early and clearly where the account can't reach it.
    pub(crate) fn check_reach(self, program: &Path) -> anyhow::Result<()> {
        let output = self.command(program).arg("--version").output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => bail!(
                "{} does not run here: {}",
                program.display(),
                String::from_utf8_lossy(&output.stderr).trim_end()
            ),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && is_root() => bail!(
                "the user nobody, who runs the servers for root, can't reach {}: \
                 set TERTULIA_CACHE to a folder that everyone can read",
                program.display()
            ),
            Err(error) => Err(error).with_context(|| program.display().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_who_make_the_same_folder_at_once_all_have_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b/c");

        std::thread::scope(|scope| {
            let makers: Vec<_> =
                (0..16).map(|_| scope.spawn(|| create_reachable(&folder))).collect();
            for maker in makers {
                maker.join().unwrap().unwrap();
            }
        });

        assert!(folder.is_dir());
    }
}
