//! The half that asks for work, and tells what has ended.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap,
    connection::State,
    header,
    jetstream::{
        self,
        context::{ContextBuilder, CreateStreamError, PublishErrorKind},
    },
};
use prost::Message as _;
use proto::v1::{RunEnded, RunWakeUp};

use crate::Names;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("the wake-up was not accepted")]
    Refused(#[from] jetstream::context::PublishError),
    #[error("the stream could not be created")]
    NoStream(#[from] CreateStreamError),
}

#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
    jetstream: jetstream::Context,
    names: Names,
}

impl Publisher {
    pub fn new(client: Client, names: Names) -> Self {
        let jetstream = ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .ack_timeout(Duration::from_secs(5))
            .build(client.clone());
        Self { client, jetstream, names }
    }

    /// Whether the server can be reached, as far as the client knows.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Publishes a wake-up and waits until the stream has stored it. Fails at
    /// once while NATS is away.
    ///
    /// `publication` must rise with every wake-up for the run: the server drops
    /// what it takes for a repetition.
    pub async fn wake_up(&self, run_id: i64, publication: i64) -> Result<(), PublishError> {
        if !self.is_connected() {
            return Err(PublishError::Disconnected);
        }
        match self.publish(run_id, publication).await {
            // It was wiped: everything due is published again in time.
            Err(error) if error.kind() == PublishErrorKind::StreamNotFound => {
                self.jetstream.get_or_create_stream(self.names.stream_config()).await?;
                Ok(self.publish(run_id, publication).await?)
            }
            published => Ok(published?),
        }
    }

    async fn publish(
        &self,
        run_id: i64,
        publication: i64,
    ) -> Result<(), jetstream::context::PublishError> {
        let payload = RunWakeUp { run_id }.encode_to_vec();
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_ID, format!("{run_id}:{publication}"));

        let subject = self.names.wake_ups.clone();
        self.jetstream.publish_with_headers(subject, headers, payload.into()).await?.await?;
        Ok(())
    }

    /// Tells those who wait that a run has ended. They also look by themselves
    /// now and then, so that a lost message costs only time.
    pub async fn ended(&self, run_id: i64) {
        let payload = RunEnded { run_id }.encode_to_vec();
        if let Err(error) = self.client.publish(self.names.ended.clone(), payload.into()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "an end was not announced");
        }
    }
}
