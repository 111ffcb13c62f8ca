//! What is kept on NATS, for the one service that sees to it that it is.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client,
    jetstream::{
        self, ErrorCode,
        context::{ContextBuilder, CreateStreamError, GetStreamError},
        stream::{PurgeError, PurgeErrorKind},
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

#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("NATS did not answer in time")]
    TimedOut,
    #[error("the stream can't be named")]
    Name(#[from] GetStreamError),
    #[error("the events could not be purged")]
    Refused(#[from] PurgeError),
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

    /// Purges a run's events from the log. Fails at once while NATS is away; where there is
    /// no log, there is nothing to purge.
    pub async fn forget_events(&self, run_id: i64) -> Result<(), ForgetError> {
        if !is_connected(&self.client) {
            return Err(ForgetError::Disconnected);
        }
        let log = self.jetstream.get_stream_no_info(&self.names.events_stream).await?;
        let purge = log.purge().filter(self.names.events_of(run_id)).into_future();
        match time::timeout(TIMEOUT, purge).await.map_err(|_| ForgetError::TimedOut)? {
            Err(error) if is_missing(&error) => Ok(()),
            purged => Ok(purged.map(drop)?),
        }
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

fn is_missing(error: &PurgeError) -> bool {
    match error.kind() {
        PurgeErrorKind::JetStream(error) => error.error_code() == ErrorCode::STREAM_NOT_FOUND,
        PurgeErrorKind::Request | PurgeErrorKind::TimedOut => false,
    }
}
