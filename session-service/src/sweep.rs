//! The sweep: whatever nobody else has looked at in time is looked at here. Any
//! number of instances may run it at once.

use std::{collections::HashSet, time::Duration};

use bootstrap::report;
use futures::{StreamExt as _, stream};
use sources::Sources;
use storage::{
    Error, data_sources,
    runs::{self, Due},
};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::Runs;

/// How long something that is due waits at most.
const RUNS_PERIOD: Duration = Duration::from_secs(1);
/// Deleted data sets are in less of a hurry.
const DATASETS_PERIOD: Duration = Duration::from_secs(5);
const RUNS_BATCH: u16 = 100;
const DATASETS_BATCH: u16 = 10;
/// How many things are done at a time: requests share the pool.
const CONCURRENCY: usize = 8;

/// Publishes and admits what is due, until `shutdown` is cancelled.
pub async fn runs(runs: Runs, shutdown: CancellationToken) {
    let sweep = async {
        let mut ticks = ticks(RUNS_PERIOD);
        loop {
            ticks.tick().await;
            if let Err(error) = sweep_runs(&runs).await {
                tracing::warn!(error = %report(&error), "the sweep failed");
            }
        }
    };
    shutdown.run_until_cancelled(sweep).await;
}

/// Drops the tables of deleted data sets, until `shutdown` is cancelled.
pub async fn datasets(sources: Sources, shutdown: CancellationToken) {
    let sweep = async {
        let mut ticks = ticks(DATASETS_PERIOD);
        loop {
            ticks.tick().await;
            if let Err(error) = sweep_datasets(&sources).await {
                tracing::warn!(error = %report(&error), "the sweep of data sets failed");
            }
        }
    };
    shutdown.run_until_cancelled(sweep).await;
}

fn ticks(period: Duration) -> time::Interval {
    let mut ticks = time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// While NATS is away, what is due stays due.
async fn sweep_runs(runs: &Runs) -> Result<(), Error> {
    while runs.can_publish() {
        let due = runs::take_due(&runs.db, RUNS_BATCH.into()).await?;
        let is_last = due.len() < RUNS_BATCH.into();
        let mut sessions = HashSet::new();
        let distinct = due.into_iter().filter(|due| match due {
            Due::Publish(_) => true,
            Due::Admit(session_id) => sessions.insert(*session_id),
        });
        stream::iter(distinct).for_each_concurrent(CONCURRENCY, |due| look_at(runs, due)).await;
        if is_last {
            break;
        }
    }
    Ok(())
}

async fn look_at(runs: &Runs, due: Due) {
    let wake_up = match due {
        Due::Publish(wake_up) => Ok(Some(wake_up)),
        Due::Admit(session_id) => runs::admit_next(&runs.db, session_id).await,
    };
    match wake_up {
        Ok(Some(wake_up)) => runs.publish(wake_up).await,
        Ok(None) => (),
        Err(error) => {
            tracing::warn!(error = %report(&error), "a queue was left to its next time");
        }
    }
}

async fn sweep_datasets(sources: &Sources) -> Result<(), Error> {
    for id in data_sources::take_deleted_datasets(&sources.db, DATASETS_BATCH.into()).await? {
        match sources.store.drop(id.0).await {
            Ok(()) => data_sources::mark_dropped(&sources.db, id).await?,
            Err(error) => {
                tracing::warn!(error = %report(&error), %id, "a data set was not dropped");
            }
        }
    }
    Ok(())
}
