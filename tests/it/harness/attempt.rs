use std::time::Duration;

use async_nats::Client;
use prost::Message as _;
use proto::v1::{self as pb, run_event};
use run_queue::{
    Publisher,
    events::{Event, EventLog, EventReader, event_id},
};
use storage::{
    RunId,
    entity::{message::Cells, run::Model},
    runs::{self, Ended, Ending, Outcome, Terms},
};

use super::{Harness, TERMS, eventually};

const LONG: Duration = Duration::from_secs(600);

/// An attempt at a run that a test makes by hand, event by event.
pub(crate) struct Attempt {
    db: storage::Database,
    client: Client,
    subject: String,
    run: Model,
    log: EventLog,
    reader: EventReader,
    publisher: Publisher,
}

impl Harness {
    /// Waits until there is a log to write to.
    pub(crate) async fn log_is_there(&self) {
        let reader = EventReader::new(self.nats.clone(), self.names.clone());
        let is_there = async || reader.replay(1, 0).next_batch().await.ok();
        eventually("the log being there", is_there).await;
    }

    /// Claims a run and begins with it.
    pub(crate) async fn attempt(&self, run_id: i64) -> Attempt {
        self.attempt_for(run_id, LONG).await
    }

    /// As `attempt`; the claim is lost after `lease`.
    pub(crate) async fn attempt_for(&self, run_id: i64, lease: Duration) -> Attempt {
        self.log_is_there().await;
        let (client, names) = (self.nats.clone(), &self.names);
        let reader = EventReader::new(client.clone(), names.clone());
        let terms = Terms { lease, ..TERMS };
        let run = eventually("the run being free", async || {
            runs::claim(&self.db, RunId(run_id), terms).await.expect("the database answers")
        })
        .await;
        let mut log = EventLog::new(client.clone(), names, run_id, run.fence);
        log.write(Event::Attempt { number: run.attempts });
        let publisher = Publisher::new(client.clone(), names.clone());
        let subject = format!("{}.runs.events.{run_id}", self.names_prefix);
        Attempt { db: self.db.clone(), client, subject, run, log, reader, publisher }
    }
}

impl Attempt {
    pub(crate) fn say(&mut self, text: impl ToString) {
        self.log.write(Event::TextDelta(text.to_string()));
    }

    /// Says these with time between them to be heard.
    pub(crate) async fn say_all(&mut self, texts: impl IntoIterator<Item = impl ToString>) {
        for text in texts {
            self.say(text);
            self.client.flush().await.expect("NATS is there");
        }
    }

    /// Says something as the event with this place in the attempt.
    pub(crate) async fn say_as(&self, n: i64, text: &str) {
        let text = pb::TextDeltaEvent { text: text.to_owned() };
        let event = pb::RunEvent {
            event_id: event_id(self.run.fence, n),
            time: None,
            event: Some(run_event::Event::TextDelta(text)),
        };
        self.publish(event.encode_to_vec()).await;
    }

    /// Publishes something where its events are.
    pub(crate) async fn publish(&self, payload: Vec<u8>) {
        self.client.publish(self.subject.clone(), payload.into()).await.expect("NATS is there");
    }

    pub(crate) fn last_event_id(&self) -> i64 {
        self.log.last_event_id()
    }

    /// Waits until the log holds an event.
    pub(crate) async fn stored(&self, event_id: i64) {
        let stored = async || {
            let mut replay = self.reader.replay(self.run.id.0, event_id - 1);
            replay.next_batch().await.ok().flatten()
        };
        eventually("an event being stored", stored).await;
    }

    /// Ends the run and tells of it.
    pub(crate) async fn end(&self, content: &str) {
        self.end_at(self.log.last_event_id(), content).await;
        self.publisher.ended(self.run.id.0).await;
    }

    /// Ends the run, its last event being this one, and tells nobody.
    pub(crate) async fn end_at(&self, last_event_id: i64, content: &str) {
        let content = content.to_owned();
        let outcome = Outcome::Succeeded;
        let ending = Ending {
            outcome,
            content,
            sql: None,
            execution: None,
            cells: Cells::None,
            usage: None,
            last_event_id,
        };
        let ended = runs::end(&self.db, &self.run, ending).await.expect("the database answers");
        assert!(matches!(ended, Ended::Done { .. }), "{ended:?}");
    }
}
