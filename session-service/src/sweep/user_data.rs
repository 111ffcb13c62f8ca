//! Deletions of all that a user has: stored already, and brought to their end here.

use std::time::Duration;

use bootstrap::report;
use futures::{StreamExt as _, stream};
use storage::{
    Error, RunId, retention,
    user_data::{self, Deletion},
};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{CONCURRENCY, every};
use crate::Runs;

const PERIOD: Duration = Duration::from_secs(1);
/// How many deletions are gone on with at a time, each on a connection.
const BATCH: u16 = 4;
/// How many runs a piece has at most, and rows of another kind.
const PIECE: i64 = 200;
const PAUSE: Duration = Duration::from_millis(20);

/// Goes on with deletions until they are complete, until `shutdown` is cancelled.
pub async fn user_data(runs: Runs, shutdown: CancellationToken) {
    let sweep = every(PERIOD, "user data", || sweep_user_data(&runs));
    shutdown.run_until_cancelled(sweep).await;
}

async fn sweep_user_data(runs: &Runs) -> Result<u64, Error> {
    let taken = user_data::take_unfinished(&runs.db, BATCH.into()).await?;
    let done = taken.len() as u64;
    stream::iter(taken).for_each_concurrent(usize::from(BATCH), |it| go_on(runs, it)).await;
    Ok(done)
}

async fn go_on(runs: &Runs, deletion: Deletion) {
    match erase(runs, &deletion).await {
        Ok(true) => tracing::info!(deletion.id, "a user's data is deleted"),
        Ok(false) => (),
        Err(error) => {
            tracing::warn!(error = %report(&error), deletion.id, "a deletion was left to its next time");
        }
    }
}

/// Deletes as much as can be by now, and says whether that was the last of it.
async fn erase(runs: &Runs, deletion: &Deletion) -> Result<bool, Error> {
    let db = &runs.db;
    runs.publish_soon(user_data::cancel_runs(db, deletion).await?);
    while retention::purge_sessions(db, Some(deletion.user_id), PIECE).await?.is_any() {
        time::sleep(PAUSE).await;
    }
    while user_data::purge_rest(db, deletion, PIECE).await? > 0 {
        time::sleep(PAUSE).await;
    }
    forget_events(runs, deletion).await?;
    user_data::complete(db, deletion).await
}

/// While NATS is away, what is to be purged there stays noted, for as long as it may be there.
async fn forget_events(runs: &Runs, deletion: &Deletion) -> Result<(), Error> {
    loop {
        let ids = user_data::runs_with_events(&runs.db, deletion).await?;
        if ids.is_empty() || !runs.can_publish() {
            return Ok(());
        }
        let forget = async |id: RunId| runs.forget_events(id).await.then_some(id);
        let forgotten = stream::iter(ids.iter().copied()).map(forget);
        let forgotten = forgotten.buffer_unordered(CONCURRENCY).filter_map(async |id| id);
        let forgotten: Vec<RunId> = forgotten.collect().await;
        user_data::forget_events(&runs.db, &forgotten).await?;
        if forgotten.len() < ids.len() {
            return Ok(());
        }
    }
}
