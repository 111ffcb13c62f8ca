//! Deleting all that a user has, as far as runs are concerned.

use bootstrap::report;
use storage::{
    RunId, UserId,
    idempotency::Request,
    user_data::{self, Cancelled, Deletion},
};

use super::Runs;
use crate::Error;

impl Runs {
    /// Hides all that a user has, and cancels what is unfinished of it. The rest is left to
    /// [`sweep::user_data`](crate::sweep::user_data).
    pub(crate) async fn delete_user_data(
        &self,
        user_id: UserId,
        request: Option<Request>,
    ) -> Result<Deletion, Error> {
        self.change(async move |db| {
            let deletion = user_data::delete(&db, user_id, request.as_ref()).await?;
            let cancelled = user_data::cancel_runs(&db, &deletion).await;
            let Cancelled { signals, failed } = cancelled.unwrap_or_else(Cancelled::failed);
            // It is stored and hidden: the sweep cancels what goes on.
            if let Some(error) = failed {
                tracing::warn!(error = %report(&error), "runs were left to the sweep");
            }
            Ok((deletion, signals))
        })
        .await
    }

    /// Has the log of events forget a run. Says whether it has.
    pub(crate) async fn forget_events(&self, run_id: RunId) -> bool {
        let forgotten = self.streams.forget_events(run_id.0).await;
        if let Err(error) = &forgotten {
            tracing::warn!(error = %report(error), run.id = %run_id, "events were not purged");
        }
        forgotten.is_ok()
    }
}
