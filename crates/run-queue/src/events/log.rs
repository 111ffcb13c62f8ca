//! The writing half.

use std::time::SystemTime;

use async_nats::Client;
use prost::Message as _;
use proto::v1 as pb;

use super::{Event, event_id, wire};
use crate::{Names, announcements::announce};

/// The log of one attempt. Writing never waits and never fails: what can't be
/// sent at once is left out, and its number with it.
#[derive(Debug)]
pub struct EventLog {
    client: Client,
    subject: String,
    fence: i64,
    written: i64,
}

impl EventLog {
    pub fn new(client: Client, names: &Names, run_id: i64, fence: i64) -> Self {
        Self { client, subject: names.events_of(run_id), fence, written: 0 }
    }

    pub fn write(&mut self, event: Event) {
        for event in wire::to_events(event) {
            self.send(event);
        }
    }

    /// The id of the last event that was written, whether or not it was sent.
    pub fn last_event_id(&self) -> i64 {
        event_id(self.fence, self.written)
    }

    fn send(&mut self, event: wire::Event) {
        self.written += 1;
        let time = Some(SystemTime::now().into());
        let event = pb::RunEvent { event_id: self.last_event_id(), time, event: Some(event) };
        if wire::MAX_BYTES < event.encoded_len() {
            tracing::warn!(event.id = event.event_id, "an event is too large for the log");
        } else if let Err(error) = announce(&self.client, self.subject.clone(), &event) {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, event.id = event.event_id, "an event was not written");
        }
    }
}
