//! The half that hears what should end.

use async_nats::{Client, SubscribeError};
use proto::v1::RunCancelRequested;

use crate::{Names, announcements::Announcements};

/// The runs whose end is asked for from now on, whichever worker has them.
#[derive(Debug)]
pub struct CancelRequests {
    announcements: Announcements<RunCancelRequested>,
}

impl CancelRequests {
    pub async fn subscribe(client: &Client, names: &Names) -> Result<Self, SubscribeError> {
        let subject = names.cancel_requested.clone();
        Ok(Self { announcements: Announcements::subscribe(client, subject).await? })
    }

    /// Waits for the next one; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<i64> {
        let (_, requested) = self.announcements.next().await?;
        Some(requested.run_id)
    }
}
