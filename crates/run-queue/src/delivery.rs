//! The half that is asked for work.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{self, AckKind, consumer::PullConsumer},
};
use futures::StreamExt as _;
use prost::Message as _;
use proto::v1::RunWakeUp;
use tokio::time;
use trace_context::{TRACEPARENT, TRACESTATE, TraceContext};

use crate::{DeadLetter, Names, connection::Connection};

/// How long a request for a message waits on the server.
const PULL_EXPIRES: Duration = Duration::from_secs(4);
/// A request that was lost, though the connection was not, is made again.
const PULL_LOST: Duration = Duration::from_secs(6);
/// Between attempts to reach the consumer.
const REBUILD_DELAY: Duration = Duration::from_secs(1);

/// Deliveries for one worker slot, each asked for when the slot is free: a
/// message that waited here would use up its time.
#[derive(Debug)]
pub struct Deliveries {
    client: Client,
    jetstream: jetstream::Context,
    names: Names,
    consumer: Option<PullConsumer>,
}

impl Deliveries {
    pub fn new(client: Client, names: Names) -> Self {
        Self { jetstream: jetstream::new(client.clone()), client, names, consumer: None }
    }

    /// Waits for the next delivery. The consumer is made anew whenever it is gone; for
    /// its stream there is [`Streams`](crate::Streams), elsewhere.
    ///
    /// What was asked for on one connection is asked for again on the next. Nothing
    /// is asked for between them, for the client would keep all of it.
    pub async fn next(&mut self) -> Delivery {
        loop {
            let connection = Connection::of(&self.client).await;
            let pulled = tokio::select! {
                // What has arrived is not lost with the connection.
                biased;
                pulled = self.pull() => pulled,
                () = connection.lost() => continue,
            };
            match pulled {
                Ok(Some(delivery)) => return delivery,
                Ok(None) => (),
                Err(error) => {
                    tracing::warn!(error = &*error, "the consumer can't be reached");
                    self.consumer = None;
                    time::sleep(REBUILD_DELAY).await;
                }
            }
        }
    }

    async fn pull(&mut self) -> Result<Option<Delivery>, async_nats::Error> {
        let consumer = match &mut self.consumer {
            Some(consumer) => consumer,
            none => {
                let (config, stream) = (self.names.consumer_config(), &self.names.stream);
                none.insert(self.jetstream.create_consumer_on_stream(config, stream).await?)
            }
        };
        let mut batch = consumer.batch().max_messages(1).expires(PULL_EXPIRES).messages().await?;
        match time::timeout(PULL_LOST, batch.next()).await {
            Ok(Some(message)) => Ok(Some(Delivery::new(message?)?)),
            Ok(None) | Err(_) => Ok(None),
        }
    }
}

/// One delivery of one wake-up.
#[derive(Debug)]
pub struct Delivery {
    message: jetstream::Message,
    stream_sequence: u64,
    /// How many times it was delivered, this time included.
    deliveries: i64,
}

impl Delivery {
    fn new(message: jetstream::Message) -> Result<Self, async_nats::Error> {
        let info = message.info()?;
        let (stream_sequence, deliveries) = (info.stream_sequence, info.delivered);
        Ok(Self { message, stream_sequence, deliveries })
    }

    /// Whether it was delivered before, and not acknowledged.
    pub fn is_repeated(&self) -> bool {
        1 < self.deliveries
    }

    /// Which run to look at, or `None` if the payload is not one of ours.
    pub fn run_id(&self) -> Option<i64> {
        let wake_up = RunWakeUp::decode(self.message.payload.clone()).ok()?;
        // Nothing decodes to the run 0.
        (0 < wake_up.run_id).then_some(wake_up.run_id)
    }

    /// Where the trace of its run goes on, if it says so.
    pub fn trace(&self) -> Option<TraceContext> {
        let headers = self.message.headers.as_ref()?;
        let state = headers.get(TRACESTATE).map(|it| it.as_str());
        TraceContext::parse(headers.get(TRACEPARENT)?.as_str(), state)
    }

    /// The queue that it comes from.
    pub fn subject(&self) -> &str {
        &self.message.subject
    }

    /// The message as it is put aside, if it is not one of ours.
    pub fn malformed(&self) -> DeadLetter {
        DeadLetter::Malformed {
            payload: self.message.payload.to_vec(),
            stream_sequence: self.stream_sequence,
        }
    }

    /// Tells the server that the run is still being worked on.
    pub async fn in_progress(&self) -> Result<(), async_nats::Error> {
        self.message.ack_with(AckKind::Progress).await
    }

    /// Tells the server never to deliver it again. Not a fence: whether anything
    /// was done is known to Postgres alone.
    pub async fn acknowledge(self) -> Result<(), async_nats::Error> {
        self.message.ack().await
    }
}
