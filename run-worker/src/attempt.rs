//! One attempt at one run: claimed, kept, and ended or given back.

use std::time::Duration;

use bootstrap::report;
use run_queue::{ACK_WAIT, Delivery};
use storage::{
    Error as StorageError, RunId,
    entity::run::Model,
    runs::{self, Ended, Ending, Failure, WakeUp},
};
use tokio::time::{self, Instant};

use crate::{Worker, execute::Failed};

/// How many times a run is begun before it is given up.
const MAX_ATTEMPTS: i32 = 3;
/// Between attempts to store an end while the database is away.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl Worker {
    /// Claims a run and executes it for as long as the claim can be kept, then
    /// ends it or gives it back. Nothing is done about a run that is not to be had.
    #[tracing::instrument(name = "run.attempt", skip_all, fields(run.id = %run_id))]
    pub(crate) async fn attempt(
        &self,
        run_id: RunId,
        delivery: &Delivery,
    ) -> Result<(), StorageError> {
        let asked_at = Instant::now();
        let Some(run) = runs::claim(&self.db, run_id, self.lease).await? else {
            return Ok(());
        };
        let executed = tokio::select! {
            executed = self.execute_or_give_up(&run) => executed,
            () = self.keep(&run, delivery, asked_at) => {
                tracing::warn!(attempt = run.attempts, "the lease was lost");
                return Ok(());
            }
        };
        // What is stored is fenced, so the claim need not be kept any more.
        match time::timeout(self.lease, self.settle(&run, executed)).await {
            Ok(settled) => settled,
            Err(_) => {
                tracing::warn!(attempt = run.attempts, "an end could not be stored in time");
                Ok(())
            }
        }
    }

    async fn execute_or_give_up(&self, run: &Model) -> Result<Ending, Failed> {
        if MAX_ATTEMPTS < run.attempts {
            let message = format!("{MAX_ATTEMPTS} attempts were begun and none came to an end");
            return Ok(failed(Failure { reason: "ATTEMPTS_EXHAUSTED", message }, None));
        }
        self.execute(run).await
    }

    async fn settle(
        &self,
        run: &Model,
        executed: Result<Ending, Failed>,
    ) -> Result<(), StorageError> {
        let Failed { error, sql } = match executed {
            Ok(ending) => return self.end(run, ending).await,
            Err(failed) => failed,
        };
        let backoff = error.retry_after(run.attempts).filter(|_| run.attempts < MAX_ATTEMPTS);
        if backoff.is_some() || error.is_ours() {
            let attempt = run.attempts;
            tracing::warn!(error = %report(&error), attempt, ?backoff, "attempt failed");
        }
        match backoff {
            Some(backoff) => runs::release(&self.db, run, backoff).await.map(drop),
            None => self.end(run, failed(error.failure(), sql)).await,
        }
    }

    /// Stores the end, and tells those who wait for it and the next run's worker.
    async fn end(&self, run: &Model, ending: Ending) -> Result<(), StorageError> {
        let reason = ending.failure.as_ref().map(|failure| failure.reason);
        let ended = loop {
            match runs::end(&self.db, run, ending.clone()).await {
                // The work is done, and would be done again.
                Err(StorageError::Unavailable(error)) => {
                    tracing::warn!(error = %report(&error), "an end can't be stored yet");
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

    /// Publishes a wake-up that was committed. If it can't be published, the sweep
    /// does it in time.
    async fn publish(&self, next: WakeUp) {
        if let Err(error) = self.publisher.wake_up(next.run_id.0, next.publication).await {
            tracing::warn!(error = %report(&error), next.id = %next.run_id, "left to the sweep");
        }
    }

    /// Renews the claim and the delivery; returns when the claim is lost, or may be.
    async fn keep(&self, run: &Model, delivery: &Delivery, mut kept_at: Instant) {
        let period = self.lease.min(ACK_WAIT) / 3;
        let mut ticks = time::interval_at(Instant::now() + period, period);
        loop {
            ticks.tick().await;
            let asked_at = Instant::now();
            match time::timeout(period, runs::renew(&self.db, run, self.lease)).await {
                Ok(Ok(true)) => kept_at = asked_at,
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(error = %report(&error), "the lease was not renewed");
                }
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
            if self.lease <= kept_at.elapsed() {
                return;
            }
            match time::timeout(period, delivery.in_progress()).await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => {
                    tracing::warn!(error = %report(&*error), "a delivery was not prolonged");
                }
                Err(_) => tracing::warn!("a delivery was not prolonged in time"),
            }
        }
    }
}

fn failed(failure: Failure, sql: Option<String>) -> Ending {
    let content = format!("The question could not be answered: {}.", failure.message);
    Ending { content, sql, execution: None, failure: Some(failure) }
}
