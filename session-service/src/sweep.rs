//! The one sweep: whatever nobody else has looked at in time is looked at here.
//! Any number of instances may run it at once.

use std::time::Duration;

use data_source::DatasetStore;
use futures::future;
use storage::{
    Error, data_sources,
    runs::{self, Due},
};
use tokio::time::{self, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::Runs;

/// How long something that is due waits at most.
const PERIOD: Duration = Duration::from_secs(1);
/// Deleted data sets are in less of a hurry.
const DATASETS_PERIOD: Duration = Duration::from_secs(5);
const BATCH: i64 = 100;
const DATASETS_BATCH: u64 = 10;

#[derive(Debug)]
pub struct Sweep {
    runs: Runs,
    store: DatasetStore,
}

impl Sweep {
    pub fn new(runs: Runs, store: DatasetStore) -> Self {
        Self { runs, store }
    }

    /// Sweeps until `shutdown` is cancelled.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut ticks = time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut dataset_ticks = time::interval(DATASETS_PERIOD);
        dataset_ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let swept = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => self.sweep_runs().await,
                _ = dataset_ticks.tick() => self.sweep_datasets().await,
            };
            if let Err(error) = swept {
                tracing::warn!(error = &error as &dyn std::error::Error, "the sweep failed");
            }
        }
    }

    /// While NATS is away, what is due stays due.
    async fn sweep_runs(&self) -> Result<(), Error> {
        while self.runs.can_publish() {
            let due = runs::take_due(&self.runs.db, BATCH).await?;
            let is_last = (due.len() as u64) < BATCH.unsigned_abs();
            future::join_all(due.into_iter().map(|due| self.look_at(due))).await;
            if is_last {
                break;
            }
        }
        Ok(())
    }

    async fn look_at(&self, due: Due) {
        let wake_up = match due {
            Due::Publish(wake_up) => Ok(Some(wake_up)),
            Due::Admit(session_id) => runs::admit_next(&self.runs.db, session_id).await,
        };
        match wake_up {
            Ok(Some(wake_up)) => self.runs.publish(wake_up).await,
            Ok(None) => (),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a queue was left to its next time"
                );
            }
        }
    }

    async fn sweep_datasets(&self) -> Result<(), Error> {
        for id in data_sources::deleted_datasets(&self.runs.db, DATASETS_BATCH).await? {
            match self.store.drop(id.0).await {
                Ok(()) => data_sources::mark_dropped(&self.runs.db, id).await?,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, data_source.id = %id, "a data set was not dropped");
                }
            }
        }
        Ok(())
    }
}
