//! What a run costs NATS: a wake-up that is stored, fetched and acknowledged, and everything
//! else that is published, without anybody of the product.

mod heard;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_nats::{
    Client, HeaderMap, header,
    jetstream::{
        self,
        consumer::{PullConsumer, pull},
        stream,
    },
};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::time::timeout;

use crate::setup::Setup;

pub(crate) use heard::{Heard, Publication};

const QUEUE: &str = "BENCH_RUNS";
const WAKE_UPS: &str = "bench.runs.wake-up";
const EVENTS: &str = "BENCH_RUN_EVENTS";
const ALL_EVENTS: &str = "bench.runs.events.*";
const ENDED: &str = "bench.runs.ended";
/// How long a request for a message waits on the server, as the worker's.
const PULL_EXPIRES: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(30);

/// Streams as the product's, and the way to them.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    client: Client,
    jetstream: jetstream::Context,
    consumer: PullConsumer,
}

impl Queue {
    /// With nothing in them.
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let client = connect(url).await?;
        let jetstream = jetstream::new(client.clone());
        for config in [queue_config(), events_config()] {
            let stream = jetstream.get_or_create_stream(config).await?;
            stream.purge().await?;
        }
        let consumer = jetstream.create_consumer_on_stream(consumer_config(), QUEUE).await?;
        Ok(Self { client, jetstream, consumer })
    }

    /// Publishes a wake-up and waits until the stream has stored it.
    pub(crate) async fn wake_up(&self, id: u64, bytes: usize) -> anyhow::Result<()> {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_MESSAGE_ID, id.to_string());
        let payload = Bytes::from(vec![0; bytes]);
        let published = self.jetstream.publish_with_headers(WAKE_UPS, headers, payload).await?;
        let stored = published.await?;
        ensure!(!stored.duplicate, "wake-up {id} was published before");
        Ok(())
    }

    /// Waits for a wake-up, of any caller.
    pub(crate) async fn fetch(&self) -> anyhow::Result<jetstream::Message> {
        let fetch = async {
            loop {
                let batch = self.consumer.batch().max_messages(1).expires(PULL_EXPIRES);
                if let Some(message) = batch.messages().await?.next().await {
                    return message.map_err(|error| anyhow::anyhow!(error));
                }
            }
        };
        timeout(PATIENCE, fetch).await.context("no wake-up in time")?
    }

    /// Publishes what a run publishes besides, and waits for nothing.
    pub(crate) async fn announce(
        &self,
        id: u64,
        publications: &[Publication],
    ) -> anyhow::Result<()> {
        for publication in publications {
            let (subject, bytes) = match *publication {
                Publication::Event { bytes } => (format!("bench.runs.events.{id}"), bytes),
                Publication::Ended { bytes } => (ENDED.to_owned(), bytes),
                Publication::WakeUp { .. } => continue,
            };
            self.client.publish(subject, Bytes::from(vec![0; bytes])).await?;
        }
        Ok(())
    }

    pub(crate) async fn acknowledge(&self, message: &jetstream::Message) -> anyhow::Result<()> {
        message.ack().await.map_err(|error| anyhow::anyhow!(error))
    }
}

/// Takes away the product's wake-ups.
pub(crate) async fn clear_queue(setup: &Setup) -> anyhow::Result<()> {
    let client = connect(&setup.nats.url).await?;
    let stream = match setup.session_service.env_of("NATS_PREFIX")? {
        "" => "RUNS".to_owned(),
        prefix => format!("{prefix}_RUNS"),
    };
    jetstream::new(client).get_stream(stream).await?.purge().await?;
    Ok(())
}

fn queue_config() -> stream::Config {
    stream::Config {
        name: QUEUE.to_owned(),
        subjects: vec![WAKE_UPS.to_owned()],
        retention: stream::RetentionPolicy::WorkQueue,
        max_age: Duration::from_secs(5 * 60),
        ..Default::default()
    }
}

fn events_config() -> stream::Config {
    stream::Config {
        name: EVENTS.to_owned(),
        subjects: vec![ALL_EVENTS.to_owned()],
        max_age: Duration::from_secs(24 * 60 * 60),
        max_bytes: 512 * 1024 * 1024,
        max_messages_per_subject: 10_000,
        allow_direct: true,
        ..Default::default()
    }
}

fn consumer_config() -> pull::Config {
    pull::Config {
        durable_name: Some("bench".to_owned()),
        ack_wait: Duration::from_secs(30),
        max_deliver: -1,
        max_ack_pending: 100_000,
        max_waiting: 100_000,
        ..Default::default()
    }
}

/// Connects with the user and password of the URL, which async-nats would leave unused.
async fn connect(url: &str) -> anyhow::Result<async_nats::Client> {
    let address: async_nats::ServerAddr = url.parse().context("the URL of NATS")?;
    let mut options = async_nats::ConnectOptions::new();
    if let (Some(user), Some(password)) = (address.username(), address.password()) {
        options = options.user_and_password(user.to_owned(), password.to_owned());
    }
    options.connect(address).await.context("NATS")
}
