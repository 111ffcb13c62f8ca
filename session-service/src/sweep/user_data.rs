//! Deletions of all that a user has: stored already, and brought to their end here.

use std::time::Duration;

use bootstrap::report;
use futures::{StreamExt as _, stream};
use storage::{
    Error, RunId, retention,
    user_data::{self, Cancelled, Deletion},
};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use super::{CONCURRENCY, every};
use crate::Runs;

const PERIOD: Duration = Duration::from_secs(1);
/// How many deletions are gone on with at a time, each on a connection.
const BATCH: u16 = 4;
/// How many runs a piece has at most, and rows of another kind.
const PIECE: i64 = 200;
const PAUSE: Duration = Duration::from_millis(20);
/// For how long a deletion is gone on with before others have their turn. Less than until it
/// is due again, so that no two work on it.
const TURN: Duration = Duration::from_millis(1_500);
/// A sweep that always finds more ends, too: it is told of then.
const LONGEST: Duration = Duration::from_secs(10);

/// Goes on with deletions until they are complete, until `shutdown` is cancelled.
pub async fn user_data(runs: Runs, shutdown: CancellationToken) {
    let sweep = every(PERIOD, "user data", || sweep_user_data(&runs));
    shutdown.run_until_cancelled(sweep).await;
}

async fn sweep_user_data(runs: &Runs) -> Result<u64, Error> {
    let (until, mut done) = (Instant::now() + LONGEST, 0);
    loop {
        let taken = user_data::take_unfinished(&runs.db, BATCH.into()).await?;
        let is_last = taken.len() < BATCH.into() || until <= Instant::now();
        done += taken.len() as u64;
        let gone_on = stream::iter(taken).map(|deletion| go_on(runs, deletion));
        let gone_on: Vec<_> = gone_on.buffer_unordered(BATCH.into()).collect().await;
        gone_on.into_iter().collect::<Result<(), Error>>()?;
        if is_last {
            return Ok(done);
        }
    }
}

async fn go_on(runs: &Runs, deletion: Deletion) -> Result<(), Error> {
    let erased = erase(runs, &deletion, Instant::now() + TURN).await;
    if let Err(error) = &erased {
        tracing::warn!(error = %report(error), deletion.id, "a deletion was left to its next time");
    }
    for Deletion { id, user_id, requested_at, .. } in erased? {
        tracing::info!(deletion.id = id, user.id = %user_id, %requested_at, "all data of a user is deleted");
    }
    Ok(())
}

/// Deletes as much as can be by now and in time, and lists the deletions that are complete
/// with it.
async fn erase(runs: &Runs, deletion: &Deletion, until: Instant) -> Result<Vec<Deletion>, Error> {
    let db = &runs.db;
    let Cancelled { signals, failed } = user_data::cancel_runs(db, deletion).await?;
    runs.publish_soon(signals);
    let user_id = Some(deletion.user_id);
    while retention::purge_sessions(db, user_id, PIECE).await?.is_any() {
        if until <= Instant::now() {
            return Ok(Vec::new());
        }
        time::sleep(PAUSE).await;
    }
    while user_data::purge_rest(db, deletion, PIECE).await? > 0 {
        if until <= Instant::now() {
            return Ok(Vec::new());
        }
        time::sleep(PAUSE).await;
    }
    forget_events(runs, deletion, until).await?;
    let complete = user_data::complete(db, deletion).await?;
    failed.map_or(Ok(complete), Err)
}

/// While NATS is away, what is to be purged there stays noted, for as long as it may be there.
async fn forget_events(runs: &Runs, deletion: &Deletion, until: Instant) -> Result<(), Error> {
    while Instant::now() < until {
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
    Ok(())
}
