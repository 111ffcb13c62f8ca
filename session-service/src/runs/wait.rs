//! Waiting for the end of a run.

use std::time::Duration;

use bootstrap::report;
use run_queue::Listener;
use storage::{
    RunId, UserId,
    entity::run,
    runs::{self, Answered},
};
use tokio::time::{self, Instant};

use super::Runs;
use crate::{
    Error,
    door::{Slot, remaining},
};

/// How long an answer may take to its caller: of short times, a fifth.
const MARGIN: Duration = Duration::from_millis(500);

/// A run that was just started.
pub(crate) struct Started {
    pub(crate) run: run::Model,
    /// Hears its end, if no worker could have a part in it before. Should another call end it in
    /// this very moment, [`Runs::look_for_ends`] finds out.
    pub(super) end: Option<Listener<()>>,
}

impl Runs {
    /// Waits for a run that was just started. Whatever goes wrong meanwhile, it was
    /// started: an error would have it asked again.
    pub(crate) async fn wait_if_possible(&self, started: Started, timeout: Duration) -> Answered {
        let Started { run, end } = started;
        if timeout.is_zero() {
            return Answered { run, answer: None };
        }
        let (user_id, run_id) = (run.user_id, run.id);
        let seen = Answered { run, answer: None };
        let waited = match end {
            Some(end) => self.wait_on(end, seen.clone(), timeout).await,
            None => self.wait(user_id, run_id, timeout).await,
        };
        waited.unwrap_or_else(|error| {
            tracing::warn!(error = %report(&error), run.id = %run_id, "not waited for");
            seen
        })
    }

    /// Waits until a run has ended, or until `timeout`, and returns it as it was last
    /// seen, with its answer.
    pub(crate) async fn wait(
        &self,
        user_id: UserId,
        run_id: RunId,
        timeout: Duration,
    ) -> Result<Answered, Error> {
        // Listening first: what ends after the look is announced.
        let end = self.ends.join(run_id.0);
        let seen = runs::get_answered(&self.db, user_id, run_id).await?;
        self.wait_on(end, seen, timeout).await
    }

    async fn wait_on(
        &self,
        mut end: Listener<()>,
        mut seen: Answered,
        timeout: Duration,
    ) -> Result<Answered, Error> {
        let deadline = Instant::now() + in_time(timeout);
        if seen.run.ended_at.is_none() {
            Slot::current()?.wait()?;
        }
        while seen.run.ended_at.is_none() {
            tokio::select! {
                _ = end.next() => (),
                () = self.shutdown.cancelled() => break,
                () = time::sleep_until(deadline) => break,
            }
            seen = runs::follow_answered(&self.db, seen.run.user_id, seen.run.id).await?;
        }
        Ok(seen)
    }
}

/// Waits a little less than until the caller's own deadline, to be heard before it.
fn in_time(timeout: Duration) -> Duration {
    match remaining() {
        Some(remaining) => timeout.min(remaining.saturating_sub(remaining.min(MARGIN * 5) / 5)),
        None => timeout,
    }
}
