//! The sweep: whatever nobody else has looked at in time is looked at here. Any
//! number of instances may run it at once.

mod retention;
mod user_data;

use std::{collections::HashSet, time::Duration};

use bootstrap::report;
use futures::{StreamExt as _, stream};
use sources::Sources;
use storage::{
    Database, Error, SessionId, data_sources, idempotency,
    runs::{self, Due},
};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{Runs, metrics::Sweep};

pub use retention::{Retention, retention};
pub use user_data::user_data;

/// How long something that is due waits at most.
const RUNS_PERIOD: Duration = Duration::from_secs(1);
/// Deleted data sets are in less of a hurry.
const DATASETS_PERIOD: Duration = Duration::from_secs(5);
/// Requests that can be repeated are kept for hours.
const REQUESTS_PERIOD: Duration = Duration::from_secs(60);
/// What is a day old is in no hurry at all.
const IMPORTS_PERIOD: Duration = Duration::from_secs(600);
const RUNS_BATCH: u16 = 100;
const REQUESTS_BATCH: u16 = 1_000;
const DATASETS_BATCH: u16 = 10;
const IMPORTS_BATCH: u16 = 1_000;
/// After a failure, a sweep is not put off for its whole period.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// How many things are done at a time: requests share the pool.
const CONCURRENCY: usize = 8;

/// Publishes and admits what is due, until `shutdown` is cancelled.
pub async fn runs(runs: Runs, shutdown: CancellationToken) {
    let sweep = every(RUNS_PERIOD, "runs", || sweep_runs(&runs));
    shutdown.run_until_cancelled(sweep).await;
}

/// Ends what nobody else ends, until `shutdown` is cancelled. By itself, for it needs
/// no NATS, which may be slow to answer.
pub async fn overdue_runs(runs: Runs, shutdown: CancellationToken) {
    let sweep = every(RUNS_PERIOD, "overdue runs", || sweep_overdue_runs(&runs));
    shutdown.run_until_cancelled(sweep).await;
}

/// Drops the tables of deleted data sets, until `shutdown` is cancelled.
pub async fn datasets(sources: Sources, shutdown: CancellationToken) {
    let sweep = every(DATASETS_PERIOD, "data sets", || sweep_datasets(&sources));
    shutdown.run_until_cancelled(sweep).await;
}

/// Forgets requests that were `kept` for long enough, until `shutdown` is cancelled.
pub async fn requests(db: Database, kept: Duration, shutdown: CancellationToken) {
    let sweep = every(REQUESTS_PERIOD, "requests", || sweep_requests(&db, kept));
    shutdown.run_until_cancelled(sweep).await;
}

/// Forgets imports that were `kept` for long enough, until `shutdown` is cancelled.
pub async fn imports(sources: Sources, kept: Duration, shutdown: CancellationToken) {
    let sweep = every(IMPORTS_PERIOD, "imports", || sweep_imports(&sources, kept));
    shutdown.run_until_cancelled(sweep).await;
}

/// A sweep says how much it has found.
async fn every<F, E>(period: Duration, what: &str, sweep: impl Fn() -> F)
where
    F: Future<Output = Result<u64, E>>,
    E: std::error::Error,
{
    let measured = Sweep::of(what);
    measured.begins();
    let mut ticks = time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match sweep().await {
            Ok(done) => measured.succeeded(done),
            Err(error) => {
                measured.failed();
                tracing::warn!(error = %report(&error), "the sweep of {what} failed");
                ticks.reset_after(period.min(TRY_AGAIN));
            }
        }
    }
}

/// While NATS is away, what is due stays due.
async fn sweep_runs(runs: &Runs) -> Result<u64, Error> {
    let mut done = 0;
    while runs.can_publish() {
        let due = runs::take_due(&runs.db, RUNS_BATCH.into()).await?;
        done += due.len() as u64;
        let is_last = due.len() < RUNS_BATCH.into();
        let mut sessions = HashSet::new();
        let distinct = due.into_iter().filter(|due| match due {
            Due::Admit(session_id) => sessions.insert(*session_id),
            Due::Publish(_) | Due::Cancel(_) => true,
        });
        stream::iter(distinct).for_each_concurrent(CONCURRENCY, |due| look_at(runs, due)).await;
        if is_last {
            break;
        }
    }
    Ok(done)
}

async fn look_at(runs: &Runs, due: Due) {
    match due {
        Due::Publish(wake_up) => runs.wake(wake_up).await,
        Due::Cancel(run_id) => runs.request_cancel(run_id).await,
        Due::Admit(session_id) => match runs::admit_next(&runs.db, session_id).await {
            Ok(Some(wake_up)) => runs.wake(wake_up).await,
            Ok(None) => (),
            Err(error) => {
                tracing::warn!(error = %report(&error), "a queue was left to its next time");
            }
        },
    }
}

async fn sweep_overdue_runs(runs: &Runs) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let overdue = runs::take_overdue(&runs.db, RUNS_BATCH.into()).await?;
        let is_last = overdue.len() < RUNS_BATCH.into();
        let sessions: HashSet<SessionId> = overdue.into_iter().collect();
        done += sessions.len() as u64;
        stream::iter(sessions).for_each_concurrent(CONCURRENCY, |id| end(runs, id)).await;
        if is_last {
            return Ok(done);
        }
    }
}

async fn end(runs: &Runs, session_id: SessionId) {
    match runs::end_overdue(&runs.db, session_id).await {
        Ok(signals) => {
            for run in &signals.ended {
                tracing::info!(run.id = %run.id, state = ?run.state, "run ended by the sweep");
            }
            runs.publish_soon(signals);
        }
        Err(error) => {
            tracing::warn!(error = %report(&error), "runs were left to their next time");
        }
    }
}

async fn sweep_requests(db: &Database, kept: Duration) -> Result<u64, Error> {
    let mut done = 0;
    loop {
        let purged = idempotency::purge(db, kept, REQUESTS_BATCH.into()).await?;
        done += purged;
        if purged < REQUESTS_BATCH.into() {
            return Ok(done);
        }
    }
}

async fn sweep_datasets(sources: &Sources) -> Result<u64, Error> {
    let mut done = 0;
    for id in data_sources::take_deleted_datasets(&sources.db, DATASETS_BATCH.into()).await? {
        match sources.store.drop(id.0).await {
            Ok(()) => {
                data_sources::mark_dropped(&sources.db, id).await?;
                done += 1;
            }
            Err(error) => {
                tracing::warn!(error = %report(&error), %id, "a data set was not dropped");
            }
        }
    }
    Ok(done)
}

async fn sweep_imports(sources: &Sources, kept: Duration) -> Result<u64, data_source::Error> {
    let mut done = 0;
    loop {
        let purged = sources.store.purge_imports(kept, IMPORTS_BATCH.into()).await?;
        done += purged;
        if purged < IMPORTS_BATCH.into() {
            return Ok(done);
        }
    }
}
