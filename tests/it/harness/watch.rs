use std::time::Duration;

use proto::v1::{self as pb, RunEvent, run_event::Event};
use tokio::time;
use tonic::{Status, Streaming};

use super::scrutiny::look_at_event;

/// One who watches a run.
pub(crate) struct Watch(pub(super) Streaming<pb::WatchRunResponse>);

impl Watch {
    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Result<RunEvent, Status>> {
        let next = time::timeout(Duration::from_secs(60), self.0.message()).await;
        let next = next.expect("within a minute there is an event or a heartbeat");
        let next = next.transpose()?;
        let event = |it: pb::WatchRunResponse| it.event.expect("there is always an event");
        Some(next.map(event).inspect(look_at_event))
    }

    /// The next event, where there must be one.
    pub(crate) async fn event(&mut self) -> RunEvent {
        let event = self.next().await.expect("the stream goes on");
        event.expect("the stream goes on")
    }

    /// All events until this text was heard.
    pub(crate) async fn until(&mut self, said: &str) -> Vec<RunEvent> {
        let mut events = Vec::new();
        while !text(&events).ends_with(said) {
            events.push(self.event().await);
        }
        events
    }

    /// All events until the stream ends, which it must do with OK after `final`.
    pub(crate) async fn rest(self) -> Vec<RunEvent> {
        let (events, status) = self.drain().await;
        assert!(status.is_none(), "{status:?}");
        let last = events.last().and_then(|it| it.event.as_ref());
        assert!(matches!(last, Some(Event::Final(_))), "{last:?}");
        events
    }

    /// All events until the stream fails, as it must.
    pub(crate) async fn broken(self) -> (Vec<RunEvent>, Status) {
        let (events, status) = self.drain().await;
        (events, status.expect("the stream fails"))
    }

    async fn drain(mut self) -> (Vec<RunEvent>, Option<Status>) {
        let mut events = Vec::new();
        while let Some(next) = self.next().await {
            match next {
                Ok(event) => events.push(event),
                Err(status) => return (events, Some(status)),
            }
        }
        (events, None)
    }
}

/// The events that can be resumed from; their ids must rise.
#[track_caller]
pub(crate) fn numbered(events: &[RunEvent]) -> Vec<RunEvent> {
    let numbered: Vec<RunEvent> = events.iter().filter(|it| it.event_id != 0).cloned().collect();
    let rise = numbered.is_sorted_by(|one, next| one.event_id < next.event_id);
    assert!(rise, "{numbered:?}");
    numbered
}

/// The text so far of the latest attempt.
pub(crate) fn text(events: &[RunEvent]) -> String {
    let mut text = String::new();
    for event in events {
        match &event.event {
            Some(Event::Attempt(_)) => text.clear(),
            Some(Event::TextDelta(delta)) => text.push_str(&delta.text),
            _ => (),
        }
    }
    text
}
