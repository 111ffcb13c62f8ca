//! Servers that are not there yet when a process starts.

use std::{error::Error, time::Duration};

use anyhow::Context as _;
use storage::{Database, schema};
use tokio::time;

use crate::report;

/// How soon it is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the log says what is waited for.
const TELL_EVERY: u32 = 10;

/// Connects to what `variable` names; tries again for as long as `is_away` says that it will
/// help.
pub(crate) async fn until_connected<F, T, E>(
    variable: &str,
    connect: impl Fn() -> F,
    is_away: impl Fn(&E) -> bool,
) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, E>>,
    E: Error + Send + Sync + 'static,
{
    loop {
        match connect().await {
            Err(error) if is_away(&error) => {
                tracing::warn!(error = %report(&error), "waiting for the server of {variable}");
                time::sleep(AGAIN).await;
            }
            connected => return connected.with_context(|| format!("connecting to {variable}")),
        }
    }
}

/// Waits for the migrations that this release needs.
pub(crate) async fn until_migrated(db: &Database) -> anyhow::Result<()> {
    let mut looks: u32 = 0;
    while !is_migrated(db).await? {
        if looks.is_multiple_of(TELL_EVERY) {
            let newest = schema::NEWEST_MIGRATION;
            tracing::info!(
                newest,
                "waiting for migrations, and for the rights that come with them"
            );
        }
        looks += 1;
        time::sleep(AGAIN).await;
    }
    Ok(())
}

async fn is_migrated(db: &Database) -> anyhow::Result<bool> {
    match schema::is_migrated(db).await {
        Err(error @ storage::Error::Unavailable(_)) => {
            tracing::warn!(error = %report(&error), "the schema can't be looked at");
            Ok(false)
        }
        looked => looked.context("looking at the schema of DATABASE_URL"),
    }
}
