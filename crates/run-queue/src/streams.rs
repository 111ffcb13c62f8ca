//! What is kept on NATS, for the one service that sees to it that it is.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self,
        context::{ContextBuilder, CreateStreamError},
    },
};
use tokio::time;

use crate::{
    Names,
    connection::{Connection, is_connected},
};

/// How long the server may take for all of them.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often they are looked for on a connection, and how soon again if that failed.
const LOOK_FOR_STREAMS: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("NATS did not answer in time")]
    TimedOut,
    #[error("a stream could not be created")]
    Refused(#[from] CreateStreamError),
}

/// The queue, the log of events and the dead letters.
#[derive(Clone, Debug)]
pub struct Streams {
    client: Client,
    jetstream: jetstream::Context,
    names: Arc<Names>,
}

impl Streams {
    pub fn new(client: Client, names: Names) -> Self {
        let jetstream = ContextBuilder::new().build(client.clone());
        Self { client, jetstream, names: Arc::new(names) }
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Creates those that do not exist; the others stay as they are. Fails at once
    /// while NATS is away.
    pub async fn make(&self) -> Result<(), MakeError> {
        if !is_connected(&self.client) {
            return Err(MakeError::Disconnected);
        }
        time::timeout(TIMEOUT, self.make_each()).await.map_err(|_| MakeError::TimedOut)?
    }

    async fn make_each(&self) -> Result<(), MakeError> {
        for config in self.names.stream_configs() {
            self.jetstream.get_or_create_stream(config).await?;
        }
        Ok(())
    }

    /// Creates them whenever they do not exist: with each new connection that is seen
    /// at once, since NATS may have returned without them.
    pub async fn keep(&self) {
        loop {
            let connection = Connection::of(&self.client).await;
            let made = self.make().await;
            if let Err(error) = &made {
                let error = error as &dyn std::error::Error;
                tracing::warn!(error, "a stream may be missing");
            }
            let wait = if made.is_ok() { LOOK_FOR_STREAMS } else { LOOK_AGAIN };
            // Whichever comes first.
            let _ = time::timeout(wait, connection.lost()).await;
        }
    }
}
