//! The reading half.

use std::{sync::Arc, time::Duration};

use async_nats::{
    Client, Message, StatusCode,
    header::{self, IntoHeaderName},
};
use futures::StreamExt as _;
use prost::Message as _;
use proto::v1::RunEvent;
use tokio::time;

use crate::{Names, connection::is_connected};

/// How long the server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(2);
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: usize = 256 * 1024;

/// Only in replies of a server that knows batches.
const NUM_PENDING: &str = "Nats-Num-Pending";
const END_OF_BATCH: u16 = 204;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("not connected to NATS")]
    Disconnected,
    #[error("NATS did not answer in time")]
    TimedOut,
    #[error("the log does not exist")]
    NoStream,
    #[error("the log could not be read")]
    Failed(#[source] async_nats::Error),
}

/// The log of all runs, for those who want to hear again what has happened.
#[derive(Clone, Debug)]
pub struct EventReader {
    client: Client,
    names: Arc<Names>,
}

impl EventReader {
    pub fn new(client: Client, names: Names) -> Self {
        Self { client, names: Arc::new(names) }
    }

    /// A run's events with ids above `after_event_id`.
    pub fn replay(&self, run_id: i64, after_event_id: i64) -> Replay {
        Replay {
            reader: self.clone(),
            subject: self.names.events_of(run_id),
            last_event_id: after_event_id,
            next_sequence: 1,
        }
    }

    /// Up to a batch of the messages from `sequence` on.
    async fn fetch(&self, subject: &str, sequence: u64) -> Result<Vec<Message>, ReadError> {
        if !is_connected(&self.client) {
            return Err(ReadError::Disconnected);
        }
        let fetching = time::timeout(TIMEOUT, self.request(subject, sequence));
        fetching.await.map_err(|_| ReadError::TimedOut)?
    }

    /// A server before 2.11 takes no notice of the batch and sends one message.
    async fn request(&self, subject: &str, sequence: u64) -> Result<Vec<Message>, ReadError> {
        let request = serde_json::json!({
            "seq": sequence,
            "next_by_subj": subject,
            "batch": BATCH_MESSAGES,
            "max_bytes": BATCH_BYTES,
        });
        let inbox = self.client.new_inbox();
        let mut replies = self.client.subscribe(inbox.clone()).await.map_err(failed)?;
        let api = format!("$JS.API.DIRECT.GET.{}", self.names.events_stream);
        let request = request.to_string().into();
        self.client.publish_with_reply(api, inbox, request).await.map_err(failed)?;

        let mut messages = Vec::new();
        loop {
            let reply = replies.next().await.ok_or(ReadError::Disconnected)?;
            match reply.status {
                None => {
                    let is_batched = header_of(&reply, NUM_PENDING).is_some();
                    messages.push(reply);
                    if !is_batched {
                        return Ok(messages);
                    }
                }
                Some(StatusCode::NOT_FOUND) => return Ok(messages),
                Some(status) if status.as_u16() == END_OF_BATCH => return Ok(messages),
                Some(StatusCode::NO_RESPONDERS) => return Err(ReadError::NoStream),
                Some(status) => return Err(failed(format!("NATS answered {status}"))),
            }
        }
    }
}

/// Reads a run's log, in the order in which it was written, a batch at a time.
///
/// An event whose id is not above those before it is left out: it was written by
/// a worker that had lost the run.
#[derive(Debug)]
pub struct Replay {
    reader: EventReader,
    subject: String,
    last_event_id: i64,
    next_sequence: u64,
}

impl Replay {
    /// The next events, at least one; `None` if there are no more for now. After
    /// an error, and after `None`, it goes on where it was.
    pub async fn next_batch(&mut self) -> Result<Option<Vec<RunEvent>>, ReadError> {
        loop {
            let messages = self.reader.fetch(&self.subject, self.next_sequence).await?;
            let Some(last) = messages.last() else { return Ok(None) };
            self.next_sequence = sequence(last)? + 1;
            let events: Vec<RunEvent> =
                messages.into_iter().filter_map(|message| self.take(message)).collect();
            if !events.is_empty() {
                return Ok(Some(events));
            }
        }
    }

    fn take(&mut self, message: Message) -> Option<RunEvent> {
        let event = match RunEvent::decode(message.payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "not one of ours");
                return None;
            }
        };
        let is_next = self.last_event_id < event.event_id;
        self.last_event_id = self.last_event_id.max(event.event_id);
        is_next.then_some(event)
    }
}

fn sequence(message: &Message) -> Result<u64, ReadError> {
    let sequence = header_of(message, header::NATS_SEQUENCE).unwrap_or_default();
    sequence.parse().map_err(failed)
}

fn header_of(message: &Message, name: impl IntoHeaderName) -> Option<&str> {
    Some(message.headers.as_ref()?.get(name)?.as_str())
}

fn failed(error: impl Into<async_nats::Error>) -> ReadError {
    ReadError::Failed(error.into())
}
