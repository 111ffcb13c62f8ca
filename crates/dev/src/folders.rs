//! Where the workspace keeps what it builds and runs.

use std::path::{Path, PathBuf};

use crate::environment;

pub(crate) fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_owned()
}

/// Cargo's target folder; a relative `CARGO_TARGET_DIR` counts from the workspace.
pub(crate) fn target() -> PathBuf {
    let target = environment::variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(target)
}
