//! One attempt at one run: claimed, kept, and ended or given back.

mod keep;
mod settle;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use run_queue::Delivery;
use storage::{Error as StorageError, RunId, entity::run::Model, runs};
use tokio::{
    task::unconstrained,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

use crate::{Error, Worker, metrics, progress::Progress};

/// A run that this worker has claimed.
pub(crate) struct Attempt<'a> {
    pub worker: &'a Worker,
    pub run: Model,
    pub claimed_at: Instant,
    pub progress: Progress,
}

/// How the work on a run came to its end.
enum Stop {
    Executed(Result<(), Error>),
    /// It panicked.
    Panicked,
    /// The run's end was asked for.
    Cancelled,
    /// The run's time is over.
    Expired,
    /// This process is to stop.
    Drained,
    /// Another worker may have the run by now.
    Lost,
}

impl Worker {
    /// Claims a run and executes it for as long as the claim can be kept, then
    /// ends it or gives it back. Nothing is done about a run that is not to be had.
    ///
    /// Once `hand_over` is cancelled, the run is left to another worker.
    #[tracing::instrument(name = "run.attempt", skip_all, fields(run.id = %run_id))]
    pub(crate) async fn attempt(
        &self,
        run_id: RunId,
        delivery: &Delivery,
        hand_over: &CancellationToken,
    ) -> Result<(), StorageError> {
        // Listening first: a cancel that comes after the claim is announced.
        let mut cancels = self.cancels.join(run_id.0);
        let asked_at = Instant::now();
        let Some(run) = runs::claim(&self.db, run_id, self.terms).await? else {
            return Ok(());
        };
        // Both are the database's: when it is to end, and when it was claimed.
        let remaining = (run.expires_at - run.updated_at).to_std().unwrap_or_default();
        let expires_at = Instant::now() + remaining;
        let progress = Progress::begin(&self.nats, &self.names, &run);
        let _counted = metrics::attempt_begun(&run);
        let attempt = Attempt { worker: self, run, claimed_at: Instant::now(), progress };
        let stop = tokio::select! {
            // Work that is done is never thrown away.
            biased;
            stop = attempt.work() => stop,
            // However much of its turn the work has used up.
            stop = unconstrained(attempt.keep(delivery, &mut cancels, asked_at)) => stop,
            () = unconstrained(time::sleep_until(expires_at)) => Stop::Expired,
            () = unconstrained(hand_over.cancelled()) => Stop::Drained,
        };
        attempt.settle(stop).await
    }
}

impl Attempt<'_> {
    async fn work(&self) -> Stop {
        match AssertUnwindSafe(self.execute()).catch_unwind().await {
            Ok(executed) => Stop::Executed(executed),
            Err(_) => Stop::Panicked,
        }
    }
}
