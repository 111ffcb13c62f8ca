//! The half that asks for work, and tells what has ended or should.

use std::time::Duration;

use async_nats::{
    Client, HeaderMap, header,
    jetstream::{
        self,
        context::{ContextBuilder, PublishErrorKind},
    },
};
use prost::Message;
use proto::v1::{RunCancelRequested, RunEnded, RunWakeUp};
use trace_context::TraceContext;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    DeadLetter, Names, Streams, announcements::announce, connection::is_connected,
    streams::MakeError,
};

/// What a dead letter has besides the payload of the message that it is about.
const DEAD_LETTER_OVERHEAD: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("the message was not accepted")]
    Refused(#[from] jetstream::context::PublishError),
    #[error("the stream is missing")]
    NoStream(#[from] MakeError),
}

#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
    jetstream: jetstream::Context,
    names: Names,
    /// If it may make them.
    streams: Option<Streams>,
}

impl Publisher {
    /// One that makes streams when they are missing.
    pub fn making(streams: Streams, client: Client, names: Names) -> Self {
        Self { streams: Some(streams), ..Self::new(client, names) }
    }

    /// One that fails when a stream is missing.
    pub fn new(client: Client, names: Names) -> Self {
        let jetstream = ContextBuilder::new()
            .timeout(Duration::from_secs(5))
            .ack_timeout(Duration::from_secs(5))
            .build(client.clone());
        Self { client, jetstream, names, streams: None }
    }

    /// Whether the server can be reached, as far as the client knows.
    pub fn is_connected(&self) -> bool {
        is_connected(&self.client)
    }

    /// Publishes a wake-up and waits until the stream has stored it. Fails at
    /// once while NATS is away.
    ///
    /// `publication` must rise with every wake-up for the run: the server drops
    /// what it takes for a repetition. It carries the trace that the run belongs to.
    pub async fn wake_up(
        &self,
        run_id: i64,
        publication: i64,
        trace: Option<&TraceContext>,
    ) -> Result<(), PublishError> {
        let message_id = format!("{run_id}:{publication}");
        let span = self.publishing(run_id, &message_id);
        trace_context::begin(&span, trace);
        let stored = Stored {
            subject: &self.names.wake_ups,
            message_id,
            payload: RunWakeUp { run_id }.encode_to_vec(),
            // Where nobody keeps spans this one has none.
            trace: trace.map(|it| TraceContext::of(&span).unwrap_or_else(|| it.clone())),
        };
        self.store(stored).instrument(span).await
    }

    fn publishing(&self, run_id: i64, message_id: &str) -> Span {
        let subject = &self.names.wake_ups;
        tracing::info_span!(
            parent: None,
            "queue.publish",
            otel.name = format!("publish {subject}"),
            otel.kind = "producer",
            messaging.system = "nats",
            messaging.operation.name = "publish",
            messaging.operation.type = "send",
            messaging.destination.name = subject,
            messaging.message.id = message_id,
            run.id = %run_id,
            trace_id = Empty,
        )
    }

    /// Puts something aside and waits until the stream has stored it. Fails at
    /// once while NATS is away. A letter that is repeated within two minutes is
    /// stored once.
    pub async fn dead_letter(&self, letter: DeadLetter) -> Result<(), PublishError> {
        let max_payload = self.client.max_payload().saturating_sub(DEAD_LETTER_OVERHEAD);
        let stored = Stored {
            subject: &self.names.dead_letters,
            message_id: letter.message_id(),
            payload: letter.into_pb(max_payload).encode_to_vec(),
            trace: None,
        };
        self.store(stored).await
    }

    async fn store(&self, stored: Stored<'_>) -> Result<(), PublishError> {
        if !self.is_connected() {
            return Err(PublishError::Disconnected);
        }
        match (self.publish(&stored).await, &self.streams) {
            // It was wiped: everything due is published again in time.
            (Err(error), Some(streams)) if error.kind() == PublishErrorKind::StreamNotFound => {
                streams.make().await?;
                Ok(self.publish(&stored).await?)
            }
            (published, _) => Ok(published?),
        }
    }

    async fn publish(&self, stored: &Stored<'_>) -> Result<(), jetstream::context::PublishError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_ID, stored.message_id.as_str());
        for (name, value) in stored.trace.iter().flat_map(TraceContext::headers) {
            headers.insert(name, value);
        }

        let (subject, payload) = (stored.subject.to_owned(), stored.payload.clone());
        self.jetstream.publish_with_headers(subject, headers, payload.into()).await?.await?;
        Ok(())
    }

    /// Tells those who wait that a run has ended. They also look by themselves
    /// now and then, so that a lost message costs only time. Never waits.
    pub async fn ended(&self, run_id: i64) {
        self.announce(&self.names.ended, &RunEnded { run_id });
    }

    /// Tells the worker that has a run that its end was asked for. It also looks
    /// by itself, so that a lost message costs only time. Never waits.
    pub async fn cancel_requested(&self, run_id: i64) {
        self.announce(&self.names.cancel_requested, &RunCancelRequested { run_id });
    }

    fn announce(&self, subject: &str, message: &impl Message) {
        if let Err(error) = announce(&self.client, subject.to_owned(), message) {
            tracing::warn!(error = &error as &dyn std::error::Error, subject, "not announced");
        }
    }
}

/// A message that a stream keeps.
struct Stored<'a> {
    subject: &'a str,
    message_id: String,
    payload: Vec<u8>,
    trace: Option<TraceContext>,
}
