//! Messages for whoever listens at the moment: sent at once or not at all.

use std::marker::PhantomData;

use async_nats::{Client, Subject, SubscribeError, Subscriber};
use futures::{FutureExt as _, StreamExt as _};
use prost::Message;
use tokio::task::unconstrained;

use crate::connection::is_connected;

#[derive(Debug, thiserror::Error)]
pub(crate) enum AnnounceError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("too much waits to be sent")]
    Full,
    #[error("the client refuses it")]
    Refused(#[from] async_nats::PublishError),
}

/// Sends a message without ever waiting: not for NATS to return, and not for
/// room among what the client has yet to send.
pub(crate) fn announce(
    client: &Client,
    subject: String,
    message: &impl Message,
) -> Result<(), AnnounceError> {
    if !is_connected(client) {
        return Err(AnnounceError::Disconnected);
    }
    let publishing = client.publish(subject, message.encode_to_vec().into());
    // Tokio may have the future of a busy task wait though there is room.
    match unconstrained(publishing).now_or_never() {
        Some(published) => Ok(published?),
        None => Err(AnnounceError::Full),
    }
}

/// The messages of one kind that are announced from now on. They are lost while
/// NATS is away.
#[derive(Debug)]
pub(crate) struct Announcements<M> {
    subscriber: Subscriber,
    message: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Announcements<M> {
    pub(crate) async fn subscribe(
        client: &Client,
        subject: String,
    ) -> Result<Self, SubscribeError> {
        Ok(Self { subscriber: client.subscribe(subject).await?, message: PhantomData })
    }

    /// Waits for the next one; `None` once the client is closed.
    pub(crate) async fn next(&mut self) -> Option<(Subject, M)> {
        loop {
            let message = self.subscriber.next().await?;
            match M::decode(message.payload) {
                Ok(announced) => return Some((message.subject, announced)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "not one of ours");
                }
            }
        }
    }
}
