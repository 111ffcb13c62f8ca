//! What becomes of a run after an attempt.

use std::time::Duration;

use bootstrap::report;
use storage::{
    Error as StorageError,
    runs::{self, Claim, Ended, Failure, MAX_ATTEMPTS, Outcome},
};
use tokio::time;

use super::{Attempt, Stop};
use crate::{
    Error,
    error::{backoff, internal},
    metrics::{self, AttemptEnd, Stage, timed},
};

/// Between attempts to store an end while the database is away.
const STORE_AGAIN: Duration = Duration::from_secs(1);

impl Attempt<'_> {
    /// Stores what came of the attempt. It is fenced, so the claim need not be kept
    /// any more.
    pub(super) async fn settle(&self, stop: Stop) -> Result<(), StorageError> {
        match time::timeout(self.worker.terms.lease, Box::pin(self.store(stop))).await {
            Ok(stored) => stored,
            Err(_) => {
                metrics::attempt_ended(AttemptEnd::Unsettled);
                tracing::warn!(attempt = self.run.attempts, "an end could not be stored in time");
                Ok(())
            }
        }
    }

    async fn store(&self, stop: Stop) -> Result<(), StorageError> {
        match stop {
            Stop::Executed(Ok(())) => self.end(Outcome::Succeeded).await,
            Stop::Executed(Err(error)) => self.fail(error).await,
            Stop::Panicked => self.give_back().await,
            Stop::Cancelled => self.end(Outcome::Cancelled).await,
            Stop::Expired => self.end(Outcome::Expired).await,
            Stop::Drained => self.hand_over().await,
            Stop::Lost => self.lost(),
        }
    }

    async fn fail(&self, error: Error) -> Result<(), StorageError> {
        let attempt = self.run.attempts;
        let after = error.is_transient().then(|| backoff(attempt).max(error.wait()));
        let after = after.filter(|_| attempt < MAX_ATTEMPTS);
        if after.is_some() || error.is_ours() {
            tracing::warn!(error = %report(&error), attempt, ?after, "attempt failed");
        }
        let failure = error.failure();
        self.progress.failed(error.is_of_statement());
        match after {
            Some(after) => self.release(&failure, after, AttemptEnd::Retried).await,
            None => self.end(Outcome::Failed(failure)).await,
        }
    }

    /// After a panic. However often: the sweep gives up a run whose attempts are used
    /// up.
    async fn give_back(&self) -> Result<(), StorageError> {
        let is_last = MAX_ATTEMPTS <= self.run.attempts;
        let after = if is_last { Duration::ZERO } else { backoff(self.run.attempts) };
        self.release(&internal(), after, AttemptEnd::Panicked).await
    }

    /// Stores the end, and tells those who wait for it and the next run's worker.
    async fn end(&self, outcome: Outcome) -> Result<(), StorageError> {
        let mut ending = self.progress.ending(outcome);
        loop {
            let (db, run) = (&self.worker.db, &self.run);
            let stored = persist(|| runs::end(db, run, ending.clone()));
            match timed(Stage::Capture, stored).await? {
                Ended::Done { next } => {
                    metrics::run_ended(run, self.claimed_at, &ending.outcome);
                    let (outcome, reason) = told(&ending.outcome);
                    tracing::info!(outcome, reason, "run ended");
                    self.worker.publisher.ended(self.run.id.0).await;
                    if let Some(next) = next {
                        self.worker.publish(next).await;
                    }
                    return Ok(());
                }
                Ended::Cancelling => ending = self.progress.ending(Outcome::Cancelled),
                Ended::Lost => return self.lost(),
            }
        }
    }

    /// Gives the run back for another attempt.
    async fn release(
        &self,
        failure: &Failure,
        after: Duration,
        end: AttemptEnd,
    ) -> Result<(), StorageError> {
        let (db, run) = (&self.worker.db, &self.run);
        let usage = self.progress.usage();
        match persist(|| runs::release(db, run, after, usage.as_ref())).await? {
            Claim::Held => {
                metrics::attempt_ended(end);
                if run.attempts < MAX_ATTEMPTS {
                    self.progress.retrying(failure, after);
                }
                Ok(())
            }
            Claim::Cancelling => self.end(Outcome::Cancelled).await,
            Claim::Lost => self.lost(),
        }
    }

    async fn hand_over(&self) -> Result<(), StorageError> {
        let (db, run) = (&self.worker.db, &self.run);
        let usage = self.progress.usage();
        match persist(|| runs::hand_over(db, run, usage.as_ref())).await? {
            (Claim::Held, wake_up) => {
                metrics::attempt_ended(AttemptEnd::HandedOver);
                tracing::info!(attempt = self.run.attempts, "run handed over");
                if let Some(wake_up) = wake_up {
                    self.worker.publish(wake_up).await;
                }
                Ok(())
            }
            (Claim::Cancelling, _) => self.end(Outcome::Cancelled).await,
            (Claim::Lost, _) => self.lost(),
        }
    }

    fn lost(&self) -> Result<(), StorageError> {
        metrics::attempt_ended(AttemptEnd::Lost);
        tracing::warn!(attempt = self.run.attempts, "another attempt may have taken over");
        Ok(())
    }
}

/// What the log says of an outcome. A failure's message may be the data source's own words, and hold
/// values.
fn told(outcome: &Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Succeeded => ("succeeded", None),
        Outcome::Failed(failure) => ("failed", Some(failure.reason)),
        Outcome::Cancelled => ("cancelled", None),
        Outcome::Expired => ("expired", None),
    }
}

/// Stores what came of an attempt, again and again while the database is away: the
/// work is done, and would be done again.
async fn persist<T, F>(store: impl Fn() -> F) -> Result<T, StorageError>
where
    F: Future<Output = Result<T, StorageError>>,
{
    loop {
        match store().await {
            Err(StorageError::Unavailable(error)) => {
                tracing::warn!(error = %report(&error), "what came of a run can't be stored yet");
                time::sleep(STORE_AGAIN).await;
            }
            stored => return stored,
        }
    }
}
