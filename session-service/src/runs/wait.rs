//! Waiting for the end of a run.

use std::time::Duration;

use bootstrap::report;
use storage::{
    RunId, UserId,
    entity::{message, run},
    messages, runs,
};
use tokio::time::{self, Instant};

use super::Runs;
use crate::{
    Error,
    door::{Slot, remaining},
};

/// How long an answer may take to its caller: of short times, a fifth.
const MARGIN: Duration = Duration::from_millis(500);

impl Runs {
    /// Waits for a run that was just started. Whatever goes wrong meanwhile, it was
    /// started: an error would have it asked again.
    pub(crate) async fn wait_if_possible(
        &self,
        user_id: UserId,
        run: run::Model,
        timeout: Duration,
    ) -> (run::Model, Option<message::Model>) {
        if timeout.is_zero() {
            return (run, None);
        }
        match self.wait(user_id, run.id, timeout).await {
            Ok(waited) => waited,
            Err(error) => {
                tracing::warn!(error = %report(&error), run.id = %run.id, "not waited for");
                (run, None)
            }
        }
    }

    /// Waits until a run has ended, or until `timeout`, and returns it as it is
    /// then, with its answer.
    pub(crate) async fn wait(
        &self,
        user_id: UserId,
        run_id: RunId,
        timeout: Duration,
    ) -> Result<(run::Model, Option<message::Model>), Error> {
        let deadline = Instant::now() + in_time(timeout);
        // Listening first: what ends after the look is announced.
        let mut ends = self.ends.join(run_id.0);
        let mut run = runs::get(&self.db, user_id, run_id).await?;
        if run.ended_at.is_none() {
            Slot::current()?.wait()?;
        }
        while run.ended_at.is_none() {
            tokio::select! {
                _ = ends.next() => (),
                () = self.shutdown.cancelled() => return Ok((run, None)),
                () = time::sleep_until(deadline) => return Ok((run, None)),
            }
            run = runs::follow(&self.db, user_id, run_id).await?;
        }
        let answer = messages::find_answer(&self.db, user_id, run_id).await?;
        Ok((run, answer))
    }
}

/// Waits a little less than until the caller's own deadline, to be heard before it.
fn in_time(timeout: Duration) -> Duration {
    match remaining() {
        Some(remaining) => timeout.min(remaining.saturating_sub(remaining.min(MARGIN * 5) / 5)),
        None => timeout,
    }
}
