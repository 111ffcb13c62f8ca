//! One attempt at one run: claimed, kept, and ended or given back.

use std::time::Duration;

use run_queue::Delivery;
use storage::{
    Error as StorageError, RunId,
    entity::run::Model,
    runs::{self, Ended, Ending, Failure, WakeUp},
};
use tokio::time::{self, Instant};

use crate::Worker;

/// How many times a run is begun before it is given up.
const MAX_ATTEMPTS: i32 = 3;
/// Between attempts to store an end while the database is away.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl Worker {
    /// Claims a run and works on it for as long as the claim can be kept. Nothing
    /// is done about a run that is not to be had.
    #[tracing::instrument(name = "run.attempt", skip_all, fields(run.id = %run_id))]
    pub(crate) async fn attempt(
        &self,
        run_id: RunId,
        delivery: &Delivery,
    ) -> Result<(), StorageError> {
        let Some(run) = runs::claim(&self.db, run_id, self.lease).await? else {
            return Ok(());
        };
        tokio::select! {
            done = self.work(&run) => done,
            () = self.keep(&run, delivery) => {
                tracing::warn!(attempt = run.attempts, "the lease was lost");
                Ok(())
            }
        }
    }

    async fn work(&self, run: &Model) -> Result<(), StorageError> {
        if MAX_ATTEMPTS < run.attempts {
            let message = format!("{MAX_ATTEMPTS} attempts were begun and none came to an end");
            return self.end(run, failed(Failure { reason: "ATTEMPTS_EXHAUSTED", message })).await;
        }
        let ending = match self.execute(run).await {
            Ok(ending) => ending,
            Err(error) => {
                let backoff = error.retry_after(run.attempts);
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    attempt = run.attempts,
                    ?backoff,
                    "attempt failed"
                );
                match backoff {
                    Some(backoff) if run.attempts < MAX_ATTEMPTS => {
                        runs::release(&self.db, run, backoff).await?;
                        return Ok(());
                    }
                    _ => failed(error.failure()),
                }
            }
        };
        self.end(run, ending).await
    }

    /// Stores the end, and tells those who wait for it and the next run's worker.
    async fn end(&self, run: &Model, ending: Ending) -> Result<(), StorageError> {
        let reason = ending.failure.as_ref().map(|failure| failure.reason);
        let ended = loop {
            match runs::end(&self.db, run, ending.clone()).await {
                // The work is done; the claim is kept meanwhile, if it can be.
                Err(StorageError::Unavailable(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "an end can't be stored yet"
                    );
                    time::sleep(STORE_AGAIN).await;
                }
                ended => break ended?,
            }
        };
        match ended {
            Ended::Lost => tracing::warn!(attempt = run.attempts, "another attempt has taken over"),
            Ended::Done { next } => {
                tracing::info!(attempt = run.attempts, reason, "run ended");
                self.publisher.ended(run.id.0).await;
                if let Some(next) = next {
                    self.publish(next).await;
                }
            }
        }
        Ok(())
    }

    /// Publishes a wake-up that was committed. One that can't be published is due
    /// again at once, for the sweep.
    async fn publish(&self, wake_up: WakeUp) {
        let Err(error) = self.publisher.wake_up(wake_up.run_id.0, wake_up.publication).await else {
            return;
        };
        tracing::warn!(error = &error as &dyn std::error::Error, next.id = %wake_up.run_id, "not published");
        if let Err(error) = runs::publish_again(&self.db, wake_up).await {
            tracing::warn!(error = &error as &dyn std::error::Error, next.id = %wake_up.run_id, "left to its next time");
        }
    }

    /// Renews the claim and the delivery; returns when the claim is lost, or may be.
    async fn keep(&self, run: &Model, delivery: &Delivery) {
        let mut kept_at = Instant::now();
        let mut ticks = time::interval(self.lease / 3);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = delivery.in_progress().await {
                tracing::warn!(error = &*error, "a delivery was not prolonged");
            }
            let asked_at = Instant::now();
            match time::timeout(self.lease / 3, runs::renew(&self.db, run, self.lease)).await {
                Ok(Ok(true)) => kept_at = asked_at,
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the lease was not renewed"
                    );
                }
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
            if self.lease <= kept_at.elapsed() {
                return;
            }
        }
    }
}

fn failed(failure: Failure) -> Ending {
    Ending {
        content: format!("The question could not be answered: {}.", failure.message),
        execution: None,
        failure: Some(failure),
    }
}
