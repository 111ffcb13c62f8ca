//! The stack that a suite runs against: fresh, in a folder and on ports of its own, and gone when
//! the suite has ended.

use std::fs;

use crate::{
    settings::Settings,
    stack::{Folder, Stack},
    up::{self, launch::Launch},
};

/// Starts a stack with the demo on it for the time that `work` takes.
pub(super) async fn with_stack<T>(
    suite: &str,
    options: up::Options,
    work: impl AsyncFnOnce(&Stack, &Settings) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let folder = Folder::in_target(&format!("check/{suite}"))?;
    let _lock = folder.lock().await?;
    // What a suite that was killed has left.
    clear(&folder).await?;
    let result = super::unless_interrupted(Box::pin(serve(&folder, &options, work))).await;
    clear(&folder).await?;
    result
}

async fn serve<T>(
    folder: &Folder,
    options: &up::Options,
    work: impl AsyncFnOnce(&Stack, &Settings) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut launch = Launch::new(folder);
    let (stack, settings) = up::start_stack(options, folder, &mut launch).await?;
    tokio::select! {
        result = work(&stack, &settings) => result,
        error = launch.first_to_end() => Err(error),
    }
}

/// Stops what runs and removes its data; the logs stay.
pub(crate) async fn clear(folder: &Folder) -> anyhow::Result<()> {
    folder.stop_all().await?;
    if let Some(settings) = Settings::find(folder)? {
        if settings.data.exists() {
            fs::remove_dir_all(&settings.data)?;
        }
        fs::remove_file(folder.settings())?;
    }
    Ok(())
}
