//! Slots that wait for work. Each asks for a delivery when it is free.

use std::{sync::Arc, time::Duration};

use async_nats::Client;
use bootstrap::report;
use model::Provider;
use run_queue::{Deliveries, Delivery, Names, Publisher};
use sources::Sources;
use storage::{DatabaseConnection, RunId};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

/// What it takes to execute runs.
#[derive(Clone, Debug)]
pub struct Worker {
    pub db: DatabaseConnection,
    pub publisher: Publisher,
    pub sources: Sources,
    pub provider: Arc<dyn Provider>,
    /// For how long a run is ours without a sign of life from us.
    pub lease: Duration,
}

impl Worker {
    /// Works on up to `concurrency` runs at a time until `shutdown` is cancelled,
    /// then brings those in flight to their end.
    pub async fn run(
        self,
        nats: Client,
        names: Names,
        concurrency: u16,
        shutdown: CancellationToken,
    ) {
        let mut slots = JoinSet::new();
        for _ in 0..concurrency {
            let deliveries = Deliveries::new(nats.clone(), names.clone());
            slots.spawn(self.clone().serve_slot(deliveries, shutdown.clone()));
        }
        slots.join_all().await;
    }

    async fn serve_slot(self, mut deliveries: Deliveries, shutdown: CancellationToken) {
        loop {
            let delivery = tokio::select! {
                () = shutdown.cancelled() => return,
                delivery = deliveries.next() => delivery,
            };
            // In a task of its own, so that a panic costs this attempt alone.
            let handling = tokio::spawn(self.clone().handle(delivery));
            if let Err(panic) = AbortOnDropHandle::new(handling).await {
                tracing::error!(error = %report(&panic), "an attempt panicked");
            }
        }
    }

    /// Acts on a wake-up, and acknowledges it once Postgres knows of the outcome.
    /// What is not acknowledged is delivered again, which claiming makes harmless.
    async fn handle(self, delivery: Delivery) {
        match delivery.run_id() {
            None => tracing::warn!("a message on the queue is not one of ours"),
            Some(run_id) => {
                if let Err(error) = self.attempt(RunId(run_id), &delivery).await {
                    tracing::warn!(
                        error = %report(&error),
                        run.id = run_id,
                        "left to a later delivery"
                    );
                    return;
                }
            }
        }
        if let Err(error) = delivery.acknowledge().await {
            tracing::warn!(error = %report(&*error), "a delivery was not acknowledged");
        }
    }
}
