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

/// A stream that was there already, with another number of replicas than it was to get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherReplicas {
    pub stream: String,
    pub replicas: usize,
}

/// The queue, the log of events and the dead letters.
#[derive(Clone, Debug)]
pub struct Streams {
    client: Client,
    jetstream: jetstream::Context,
    names: Arc<Names>,
    replicas: usize,
}

impl Streams {
    pub fn new(client: Client, names: Names) -> Self {
        let jetstream = ContextBuilder::new().build(client.clone());
        Self { client, jetstream, names: Arc::new(names), replicas: 1 }
    }

    /// The same, each of those that are created on as many servers.
    pub fn with_replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    pub(crate) fn configs(&self) -> [jetstream::stream::Config; 3] {
        self.names.stream_configs(self.replicas)
    }

    pub(crate) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// Creates those that do not exist; the others stay as they are, and those of them that
    /// have another number of replicas are returned. Fails at once while NATS is away.
    pub async fn make(&self) -> Result<Vec<OtherReplicas>, MakeError> {
        if !is_connected(&self.client) {
            return Err(MakeError::Disconnected);
        }
        time::timeout(TIMEOUT, self.make_each()).await.map_err(|_| MakeError::TimedOut)?
    }

    async fn make_each(&self) -> Result<Vec<OtherReplicas>, MakeError> {
        let mut others = Vec::new();
        for config in self.configs() {
            let stream = self.jetstream.get_or_create_stream(config).await?;
            let config = &stream.cached_info().config;
            if config.num_replicas != self.replicas {
                let (stream, replicas) = (config.name.clone(), config.num_replicas);
                others.push(OtherReplicas { stream, replicas });
            }
        }
        Ok(others)
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
        let mut told = Vec::new();
        loop {
            let connection = Connection::of(&self.client).await;
            let made = self.make().await;
            match &made {
                Ok(others) if *others == told => (),
                Ok(others) => {
                    self.tell(others);
                    told.clone_from(others);
                }
                Err(error) => {
                    let error = error as &dyn std::error::Error;
                    tracing::warn!(error, "a stream may be missing");
                }
            }
            let wait = if made.is_ok() { LOOK_FOR_STREAMS } else { LOOK_AGAIN };
            // Whichever comes first.
            let _ = time::timeout(wait, connection.lost()).await;
        }
    }

    /// Changing a stream takes a right with which a service could empty it.
    fn tell(&self, others: &[OtherReplicas]) {
        let wanted = self.replicas;
        for OtherReplicas { stream, replicas } in others {
            tracing::warn!(
                "stream {stream} has {replicas} replicas, and not NATS_STREAM_REPLICAS={wanted}: \
                 for an operator to change, with `nats stream edit {stream} --replicas={wanted}`"
            );
        }
    }
}

fn is_missing(error: &PurgeError) -> bool {
    match error.kind() {
        PurgeErrorKind::JetStream(error) => error.error_code() == ErrorCode::STREAM_NOT_FOUND,
        PurgeErrorKind::Request | PurgeErrorKind::TimedOut => false,
    }
}
