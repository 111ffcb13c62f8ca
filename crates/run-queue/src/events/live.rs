//! The half that hears events as they happen.

use async_nats::{Client, SubscribeError};
use proto::v1::RunEvent;

use crate::{Names, announcements::Announcements};

/// The events of all runs from now on. Those that come while NATS is away are
/// missing, and so are those that find 65,536 others not yet taken.
#[derive(Debug)]
pub struct LiveEvents {
    announcements: Announcements<RunEvent>,
}

impl LiveEvents {
    pub async fn subscribe(client: &Client, names: &Names) -> Result<Self, SubscribeError> {
        Ok(Self { announcements: Announcements::subscribe(client, names.all_events()).await? })
    }

    /// Waits for the next one and the run that it is about; `None` once the client
    /// is closed.
    pub async fn next(&mut self) -> Option<(i64, RunEvent)> {
        loop {
            let (subject, event) = self.announcements.next().await?;
            match subject.rsplit('.').next().and_then(|run_id| run_id.parse().ok()) {
                Some(run_id) => return Some((run_id, event)),
                None => tracing::warn!(%subject, "not the subject of a run"),
            }
        }
    }
}
