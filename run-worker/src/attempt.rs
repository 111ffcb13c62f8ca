//! One attempt at one run: claimed, kept, and ended or given back.

mod keep;
mod settle;

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use run_queue::{Delivery, Listener};
use storage::{Error as StorageError, RunId, entity::run::Model, runs};
use tokio::{
    task::unconstrained,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field::Empty};

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
        let span = span(&run, delivery);
        let attempt = self.work_on(run, delivery, &mut cancels, asked_at, hand_over);
        attempt.instrument(span).await
    }

    async fn work_on(
        &self,
        run: Model,
        delivery: &Delivery,
        cancels: &mut Listener<()>,
        asked_at: Instant,
        hand_over: &CancellationToken,
    ) -> Result<(), StorageError> {
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
            stop = unconstrained(attempt.keep(delivery, cancels, asked_at)) => stop,
            () = unconstrained(time::sleep_until(expires_at)) => Stop::Expired,
            () = unconstrained(hand_over.cancelled()) => Stop::Drained,
        };
        attempt.settle(stop).await
    }
}

/// A part of the trace of the call that the run was started by, whoever was woken for it.
fn span(run: &Model, delivery: &Delivery) -> Span {
    let subject = delivery.subject();
    let span = tracing::info_span!(
        parent: None,
        "run.attempt",
        otel.name = format!("process {subject}"),
        otel.kind = "consumer",
        messaging.system = "nats",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = subject,
        run.id = %run.id,
        session.id = %run.chat_session_id,
        user.id = %run.user_id,
        attempt = run.attempts,
        fence = run.fence,
        trace_id = Empty,
    );
    trace_context::begin(&span, delivery.trace().or_else(|| run.trace()).as_ref());
    span
}

impl Attempt<'_> {
    async fn work(&self) -> Stop {
        match AssertUnwindSafe(self.execute()).catch_unwind().await {
            Ok(executed) => Stop::Executed(executed),
            Err(_) => Stop::Panicked,
        }
    }
}
