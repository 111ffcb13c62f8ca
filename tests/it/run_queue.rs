//! The contract on NATS by itself, on a real server, without the services
//! around it.

mod announcements;
mod batches;
mod dead_letters;
mod deliveries;
mod events;
mod outages;
pub(crate) mod own_server;
mod replicas;

use std::time::Duration;

use async_nats::{Client, connection::State, jetstream};
use futures::StreamExt as _;
use proto::v1::{RunEvent, run_event};
use run_queue::{
    Deliveries, Names, Publisher, Streams,
    events::{Event, EventLog, EventReader},
};
use tokio::{task::JoinHandle, time};

use crate::harness::{eventually, random_name};

/// A client, names that nobody else has, and the streams.
struct Queue {
    client: Client,
    prefix: String,
    names: Names,
}

impl Queue {
    async fn on_shared_server() -> Self {
        let servers = dev::test_servers().await.expect("the test servers run");
        Self::on(&servers.nats_url).await
    }

    async fn on(url: &str) -> Self {
        let queue = Self::without_streams(url).await;
        queue.streams().make().await.expect("streams can be created");
        queue
    }

    async fn without_streams(url: &str) -> Self {
        let client = run_queue::connect(url, "tests").await.expect("the URL is one of NATS");
        let prefix = random_name("t").replace('_', "");
        let names = Names::with_prefix(&prefix);
        let queue = Self { client, prefix, names };
        queue.be(State::Connected).await;
        queue
    }

    /// Waits until the client has noticed.
    async fn be(&self, state: State) {
        let is_so = async || (self.client.connection_state() == state).then_some(());
        eventually("the connection being made or lost", is_so).await;
    }

    /// Waits until the server has had all that the client had to send.
    async fn settle(&self) {
        let inbox = self.client.new_inbox();
        let mut echo = self.client.subscribe(inbox.clone()).await.expect("the client is open");
        self.client.publish(inbox, "".into()).await.expect("the client is open");
        in_time(echo.next()).await;
    }

    fn log(&self, run_id: i64, fence: i64) -> EventLog {
        EventLog::new(self.client.clone(), &self.names, run_id, fence)
    }

    fn streams(&self) -> Streams {
        Streams::new(self.client.clone(), self.names.clone())
    }

    fn publisher(&self) -> Publisher {
        Publisher::making(self.streams(), self.client.clone(), self.names.clone())
    }

    fn reader(&self) -> EventReader {
        EventReader::new(self.client.clone(), self.names.clone())
    }

    /// A slot that waits; resolves to the run that it was woken for.
    fn slot(&self) -> JoinHandle<i64> {
        let mut deliveries = Deliveries::new(self.client.clone(), self.names.clone());
        tokio::spawn(async move { deliveries.next().await.run_id().expect("it is one of ours") })
    }

    async fn wait_for_slots(&self, count: usize) {
        let jetstream = jetstream::new(self.client.clone());
        eventually("the slots having asked for work", async || {
            let stream = jetstream.get_stream(self.stream("RUNS")).await.ok()?;
            let info = stream.consumer_info("run-worker").await.ok()?;
            (info.num_waiting == count).then_some(())
        })
        .await;
    }

    fn stream(&self, name: &str) -> String {
        format!("{}_{name}", self.prefix)
    }
}

fn delta(text: impl ToString) -> Event {
    Event::TextDelta(text.to_string())
}

#[track_caller]
fn text(event: &RunEvent) -> &str {
    match &event.event {
        Some(run_event::Event::TextDelta(delta)) => &delta.text,
        other => panic!("not a text: {other:?}"),
    }
}

/// All that can be read now, batch by batch.
async fn read(reader: &EventReader, run_id: i64, after_event_id: i64) -> Vec<Vec<RunEvent>> {
    let mut replay = reader.replay(run_id, after_event_id);
    let mut batches = Vec::new();
    while let Some(batch) = replay.next_batch().await.expect("the log can be read") {
        batches.push(batch);
    }
    batches
}

/// Waits until so many events can be read.
async fn read_all(reader: &EventReader, run_id: i64, count: usize) -> Vec<RunEvent> {
    eventually("the log holding as many events as were written", async || {
        let events = read(reader, run_id, 0).await.concat();
        (events.len() == count).then_some(events)
    })
    .await
}

fn ids(events: &[RunEvent]) -> Vec<i64> {
    events.iter().map(|event| event.event_id).collect()
}

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let done = time::timeout(Duration::from_secs(20), future).await;
    done.expect("it takes less than 20 s")
}
