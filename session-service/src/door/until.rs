//! Calls that end at a time of ours, whatever else there was to come.

use axum::response::Response;
use tokio::time::{self, Instant};

use super::answer::Answer;
use crate::Error;

/// When calls end, and what is said then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until {
    pub(super) at: Instant,
    pub(super) error: fn() -> Error,
}

impl Until {
    pub(super) fn new(at: Instant, error: fn() -> Error) -> Self {
        Self { at, error }
    }

    /// Drops the work at that time, or ends its answer then.
    pub(super) async fn keep(
        self,
        work: impl Future<Output = Result<Response<Answer>, Error>>,
    ) -> Result<Response<Answer>, Error> {
        match time::timeout_at(self.at, work).await {
            Ok(answered) => Ok(answered?.map(|answer| answer.until(self))),
            Err(_) => Err((self.error)()),
        }
    }
}
