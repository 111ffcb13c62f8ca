//! Starting runs, cancelling them, waiting for them and watching them.

mod erase;
mod hear;
mod wait;
mod watch;

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use async_nats::Client;
use bootstrap::report;
use run_queue::{
    DeadLetter, Listeners, Names, Publisher, Streams,
    events::{End, Event, EventLog, EventReader, RunEvent},
};
use storage::{
    Database, RunId, SessionId, UserId,
    entity::run::{self, State},
    idempotency::Request,
    runs::{self, ATTEMPTS_EXHAUSTED, Signals, Start, WakeUp},
    sessions,
};
use tokio::time;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument as _;

use crate::{
    Error,
    door::{Slot, remaining},
    metrics,
};

use wait::Started;
pub(crate) use watch::{Watched, last_event_id};

/// How many events are kept for one who watches: more than a run sends while a
/// client has time to take one.
const EVENTS_KEPT: usize = 128;
/// How long a change may take whose caller sets no deadline.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long publishing may take at the process' end.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Runs {
    pub(crate) db: Database,
    nats: Client,
    names: Names,
    publisher: Publisher,
    streams: Streams,
    log: EventReader,
    /// Those who wait for ends.
    ends: Listeners<()>,
    /// Those who watch.
    events: Listeners<Arc<RunEvent>>,
    publishing: TaskTracker,
    shutdown: CancellationToken,
}

impl Runs {
    pub fn new(
        db: Database,
        nats: Client,
        names: Names,
        streams: Streams,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            db,
            publisher: Publisher::making(streams.clone(), nats.clone(), names.clone()),
            streams,
            log: EventReader::new(nats.clone(), names.clone()),
            nats,
            names,
            ends: Listeners::new(1),
            events: Listeners::new(EVENTS_KEPT),
            publishing: TaskTracker::new(),
            shutdown,
        }
    }

    /// Stores a run and wakes a worker for it.
    pub(crate) async fn start(
        &self,
        user_id: UserId,
        request: Option<Request>,
        start: Start,
    ) -> Result<Started, Error> {
        let ends = self.ends.clone();
        self.change(async move |db| {
            let (run, signals) = runs::start(&db, user_id, request.as_ref(), start).await?;
            // Listening before anyone is told to work on it: its end is heard.
            let is_first = signals.wake_up.as_ref().is_some_and(|it| it.run_id == run.id);
            let end = is_first.then(|| ends.join(run.id.0));
            Ok((Started { run, end }, signals))
        })
        .await
    }

    /// Cancels a run, or has its worker stop it.
    pub(crate) async fn cancel(
        &self,
        user_id: UserId,
        request: Option<Request>,
        id: RunId,
        reason: String,
    ) -> Result<run::Model, Error> {
        self.change(async move |db| runs::cancel(&db, user_id, request.as_ref(), id, reason).await)
            .await
    }

    /// Deletes a session, and cancels what is unfinished of it.
    pub(crate) async fn delete_session(
        &self,
        user_id: UserId,
        request: Option<Request>,
        id: SessionId,
    ) -> Result<(), Error> {
        self.change(async move |db| {
            let signals = sessions::delete(&db, user_id, request.as_ref(), id).await?;
            Ok(((), signals))
        })
        .await
    }

    /// Makes a change and publishes what follows from it.
    ///
    /// In a task of its own: a caller who goes away between the two would cost the
    /// runs the time until the sweep. The task keeps the caller's turn.
    async fn change<T, F>(
        &self,
        change: impl FnOnce(Database) -> F + Send + 'static,
    ) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<(T, Signals), storage::Error>> + Send,
    {
        let this = self.clone();
        let (slot, deadline) = (Slot::current()?, remaining());
        let patience = deadline.unwrap_or(PATIENCE).min(PATIENCE);
        let changing = async move {
            let _slot = slot;
            // What is dropped is rolled back; if it was committed in this very moment,
            // the sweep publishes what follows.
            let changed = time::timeout(patience, change(this.db.clone())).await;
            let (changed, signals) = changed.map_err(|_| match deadline {
                Some(deadline) if deadline <= PATIENCE => Error::DeadlineExceeded,
                _ => Error::Overloaded,
            })??;
            this.publish_soon(signals);
            Ok(changed)
        };
        let changed = tokio::spawn(changing.in_current_span());
        changed.await.map_err(|_| anyhow!("a change of runs panicked"))?
    }

    /// Publishes what a transaction has left to be published.
    pub(crate) async fn publish(&self, signals: Signals) {
        for run_id in signals.cancelling {
            self.publisher.cancel_requested(run_id.0).await;
        }
        if let Some(wake_up) = signals.wake_up {
            self.wake(wake_up).await;
        }
        for run in signals.ended {
            self.announce_end(&run).await;
        }
    }

    /// Publishes in a task of its own, which the process waits for at its end.
    pub(crate) fn publish_soon(&self, signals: Signals) {
        let this = self.clone();
        self.publishing.spawn(async move { this.publish(signals).await });
    }

    /// Waits until what was to be published is sent, within bounds.
    pub async fn finish(&self) {
        self.publishing.close();
        let sent = time::timeout(FAREWELL, async {
            self.publishing.wait().await;
            self.nats.flush().await
        });
        if !matches!(sent.await, Ok(Ok(()))) {
            tracing::warn!("the last wake-ups are left to the sweep of another instance");
        }
    }

    /// Publishes a wake-up that was committed. One that can't be published is due
    /// again soon, for the sweep.
    pub(crate) async fn wake(&self, wake_up: WakeUp) {
        let WakeUp { run_id, publication, trace } = &wake_up;
        let Err(error) = self.publisher.wake_up(run_id.0, *publication, trace.as_ref()).await
        else {
            return;
        };
        metrics::not_published();
        tracing::warn!(error = %report(&error), run.id = %run_id, "not published");
        if let Err(error) = runs::publish_again(&self.db, &wake_up).await {
            tracing::warn!(error = %report(&error), "a wake-up was left to its next time");
        }
    }

    /// Tells the worker of a run again that it is to stop.
    pub(crate) async fn request_cancel(&self, run_id: RunId) {
        self.publisher.cancel_requested(run_id.0).await;
    }

    /// Tells of a run that has ended without a worker, with the one event of its last
    /// fence.
    async fn announce_end(&self, run: &run::Model) {
        metrics::run_ended(run);
        let end = match run.state {
            State::Cancelled => End::Cancelled,
            State::Expired => End::Expired,
            State::Queued
            | State::Running
            | State::Cancelling
            | State::Succeeded
            | State::Failed => End::Failed,
        };
        let mut log = EventLog::new(self.nats.clone(), &self.names, run.id.0, run.fence);
        log.write(Event::Ended(end));
        // Those who wait here need not wait for NATS.
        self.ends.announce(run.id.0, ());
        self.publisher.ended(run.id.0).await;
        if run.error_reason.as_deref() == Some(ATTEMPTS_EXHAUSTED) {
            self.put_aside(run).await;
        }
    }

    /// Leaves a dead letter, for people: the run's row says all of it.
    async fn put_aside(&self, run: &run::Model) {
        let letter = DeadLetter::Exhausted { run_id: run.id.0, fence: run.fence };
        if let Err(error) = self.publisher.dead_letter(letter).await {
            metrics::not_published();
            tracing::error!(error = %report(&error), run.id = %run.id, "no dead letter was left");
        }
    }

    pub(crate) fn can_publish(&self) -> bool {
        self.publisher.is_connected()
    }
}
