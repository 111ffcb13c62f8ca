//! The half that hears what has ended.

use async_nats::{Client, SubscribeError, Subscriber};
use futures::StreamExt as _;
use prost::Message as _;
use proto::v1::RunEnded;

use crate::Names;

/// The runs that end from now on, whichever worker ends them.
#[derive(Debug)]
pub struct EndedRuns {
    subscriber: Subscriber,
}

impl EndedRuns {
    pub async fn subscribe(client: &Client, names: &Names) -> Result<Self, SubscribeError> {
        Ok(Self { subscriber: client.subscribe(names.ended.clone()).await? })
    }

    /// Waits for the next one; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<i64> {
        loop {
            let message = self.subscriber.next().await?;
            match RunEnded::decode(message.payload) {
                Ok(ended) => return Some(ended.run_id),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "not one of ours");
                }
            }
        }
    }
}
