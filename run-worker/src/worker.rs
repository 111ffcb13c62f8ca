//! Slots that wait for work. Each asks for a delivery when it is free.

use std::time::Duration;

use async_nats::Client;
use bootstrap::report;
use model::{Embedder, Models};
use run_queue::{Deliveries, Delivery, Listeners, Names, Publisher};
use sources::Sources;
use storage::{
    Database, RunId,
    background::Kind,
    runs::{Terms, WakeUp},
};
use tokio::{task::JoinSet, time};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    background::{Sharing, Tasks},
    cancels, embeddings, metrics, summaries,
};

/// How long handing over what is still going on may take.
const HAND_OVER: Duration = Duration::from_secs(5);
/// How long giving back tasks may take: longer than they may go on.
const TASKS_BACK: Duration = Duration::from_secs(7);
/// How long sending the last events and acknowledgements may take.
const FLUSH: Duration = Duration::from_secs(1);

/// What it takes to execute runs.
#[derive(Clone, Debug)]
pub struct Worker {
    pub db: Database,
    pub nats: Client,
    pub names: Names,
    pub publisher: Publisher,
    pub sources: Sources,
    pub models: Models,
    /// What embeds messages.
    pub embedder: Embedder,
    pub terms: Terms,
    /// Attempts that want to know when their run's end is asked for.
    pub cancels: Listeners<()>,
}

impl Worker {
    /// Works on up to `concurrency` runs at a time until `shutdown` is cancelled,
    /// then brings those in flight to their end. What has not ended after `drain` is
    /// handed over to other workers.
    pub async fn run(self, concurrency: u16, drain: Duration, shutdown: CancellationToken) {
        metrics::slots(concurrency);
        let hears_cancels = tokio::spawn(cancels::hear(
            self.cancels.clone(),
            self.nats.clone(),
            self.names.clone(),
        ));
        let _hears_cancels = AbortOnDropHandle::new(hears_cancels);
        let mut beside = JoinSet::new();
        beside.spawn(self.clone().embed_messages(shutdown.clone()));
        beside.spawn(self.clone().summarize_sessions(shutdown.clone()));
        let hand_over = CancellationToken::new();
        let mut slots = JoinSet::new();
        for _ in 0..concurrency {
            slots.spawn(self.clone().serve_slot(shutdown.clone(), hand_over.clone()));
        }
        let stopped = async {
            shutdown.cancelled().await;
            time::sleep(drain).await;
        };
        tokio::select! {
            () = all(&mut slots) => (),
            () = stopped => hand_over.cancel(),
        }
        if time::timeout(HAND_OVER, all(&mut slots)).await.is_err() {
            tracing::warn!("runs were left to the end of their leases");
        }
        if time::timeout(TASKS_BACK, all(&mut beside)).await.is_err() {
            tracing::warn!("tasks were left to the end of their leases");
        }
        if !matches!(time::timeout(FLUSH, self.nats.flush()).await, Ok(Ok(()))) {
            tracing::warn!("the last messages may not have been sent");
        }
    }

    /// Beside the slots, so that no run has to wait for it.
    async fn embed_messages(self, shutdown: CancellationToken) {
        let Self { db, embedder, .. } = self;
        let handle = {
            let db = db.clone();
            move |tasks| embeddings::embed(db.clone(), embedder.clone(), tasks)
        };
        let (batch, sharing) = (embeddings::BATCH, Sharing::Provider);
        Tasks { db, kind: Kind::Embed, batch, sharing, handle }.run(shutdown).await;
    }

    async fn summarize_sessions(self, shutdown: CancellationToken) {
        let db = self.db.clone();
        let handle = move |tasks| summaries::summarize(self.clone(), tasks);
        let (batch, sharing) = (summaries::BATCH, Sharing::Nothing);
        Tasks { db, kind: Kind::Summarize, batch, sharing, handle }.run(shutdown).await;
    }

    async fn serve_slot(self, shutdown: CancellationToken, hand_over: CancellationToken) {
        let mut deliveries = Deliveries::new(self.nats.clone(), self.names.clone());
        loop {
            let delivery = tokio::select! {
                () = shutdown.cancelled() => return,
                delivery = deliveries.next() => delivery,
            };
            // In a task of its own, so that a panic costs this attempt alone.
            let handling = tokio::spawn(self.clone().handle(delivery, hand_over.clone()));
            if AbortOnDropHandle::new(handling).await.is_err() {
                tracing::error!("an attempt panicked");
            }
        }
    }

    /// Acts on a wake-up, and acknowledges it once Postgres knows of the outcome.
    /// What is not acknowledged is delivered again, which claiming makes harmless.
    async fn handle(self, delivery: Delivery, hand_over: CancellationToken) {
        metrics::delivered(delivery.run_id().is_some(), delivery.is_repeated());
        let is_done = match delivery.run_id() {
            None => self.put_aside(&delivery).await,
            Some(run_id) => self.look_at(RunId(run_id), &delivery, &hand_over).await,
        };
        if !is_done {
            return;
        }
        if let Err(error) = delivery.acknowledge().await {
            tracing::warn!(error = %report(&*error), "a delivery was not acknowledged");
        }
    }

    async fn look_at(
        &self,
        run_id: RunId,
        delivery: &Delivery,
        hand_over: &CancellationToken,
    ) -> bool {
        let attempted = self.attempt(run_id, delivery, hand_over).await;
        if let Err(error) = &attempted {
            tracing::warn!(error = %report(error), run.id = %run_id, "left to a later delivery");
        }
        attempted.is_ok()
    }

    async fn put_aside(&self, delivery: &Delivery) -> bool {
        tracing::warn!("a message on the queue is not one of ours");
        let put_aside = self.publisher.dead_letter(delivery.malformed()).await;
        if let Err(error) = &put_aside {
            metrics::not_published();
            tracing::warn!(error = %report(error), "left to a later delivery");
        }
        put_aside.is_ok()
    }

    /// Publishes a wake-up that was committed. If it can't be published, the sweep
    /// does it in time.
    pub(crate) async fn publish(&self, next: WakeUp) {
        let WakeUp { run_id, publication, trace } = &next;
        if let Err(error) = self.publisher.wake_up(run_id.0, *publication, trace.as_ref()).await {
            metrics::not_published();
            tracing::warn!(error = %report(&error), next.id = %run_id, "left to the sweep");
        }
    }
}

/// Waits until every slot has come to its end.
async fn all(slots: &mut JoinSet<()>) {
    while slots.join_next().await.is_some() {}
}
