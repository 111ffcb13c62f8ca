//! The half that hears what has ended.

use async_nats::{Client, SubscribeError};
use proto::v1::RunEnded;

use crate::{Names, announcements::Announcements};

/// The runs that end from now on, whichever worker ends them.
#[derive(Debug)]
pub struct EndedRuns {
    announcements: Announcements<RunEnded>,
}

impl EndedRuns {
    pub async fn subscribe(client: &Client, names: &Names) -> Result<Self, SubscribeError> {
        Ok(Self { announcements: Announcements::subscribe(client, names.ended.clone()).await? })
    }

    /// Waits for the next one; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<i64> {
        let (_, ended) = self.announcements.next().await?;
        Some(ended.run_id)
    }
}
