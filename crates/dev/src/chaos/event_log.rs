//! The events in NATS, read while they are there.

use std::{collections::HashMap, time::Duration};

use anyhow::ensure;
use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, pull},
    context::GetStreamErrorKind,
};
use prost::Message as _;
use proto::v1::RunEvent;
use tokio::time::{Instant, sleep};
use tokio_stream::StreamExt as _;

use crate::servers::nats;

const STREAM: &str = "RUN_EVENTS";
const SUBJECT: &str = "runs.events.";
const BATCH: usize = 500;
const POLL: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(60);

/// The event_ids of each run.
pub(super) type Logs = HashMap<i64, Vec<i64>>;

/// Waits until the services have made the stream: what happens before is not in it.
pub(super) async fn await_stream(url: &str) -> anyhow::Result<()> {
    let jetstream = jetstream::new(nats::connect(url).await?);
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = jetstream.get_stream(STREAM).await {
        ensure!(Instant::now() < deadline, "no service has made the log of events: {error}");
        sleep(POLL).await;
    }
    Ok(())
}

/// Adds the events of all runs that are in the stream; there may be none.
pub(super) async fn read(url: &str, logs: &mut Logs) -> anyhow::Result<()> {
    let jetstream = jetstream::new(nats::connect(url).await?);
    let stream = match jetstream.get_stream(STREAM).await {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), GetStreamErrorKind::JetStream(_)) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let config = pull::Config { ack_policy: AckPolicy::None, ..Default::default() };
    let consumer = stream.create_consumer(config).await?;
    loop {
        let mut batch = consumer.fetch().max_messages(BATCH).messages().await?;
        let mut is_empty = true;
        while let Some(message) = batch.next().await {
            let message = message.map_err(anyhow::Error::from_boxed)?;
            is_empty = false;
            let run_id = message.subject.strip_prefix(SUBJECT).and_then(|id| id.parse().ok());
            if let (Some(run_id), Ok(event)) = (run_id, RunEvent::decode(message.payload.clone())) {
                logs.entry(run_id).or_default().push(event.event_id);
            }
        }
        if is_empty {
            return Ok(());
        }
    }
}
