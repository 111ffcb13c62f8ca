//! The queue: every wake-up is acknowledged in the end, if need be when it is delivered again.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    consumer::{Config, Consumer},
};
use tokio::time::{Instant, sleep};

use super::Check;
use crate::servers::nats;

const STREAM: &str = "RUNS";
const CONSUMER: &str = "run-worker";
/// Until what was not acknowledged is delivered again, where there is no time for the usual.
const SHORT_WAIT: Duration = Duration::from_secs(2);
/// Longer than the usual one, of 30 s.
const PATIENCE: Duration = Duration::from_secs(45);
const POLL: Duration = Duration::from_millis(200);

pub(super) async fn check(url: &str, is_quick: bool) -> anyhow::Result<Check> {
    let jetstream = jetstream::new(nats::connect(url).await?);
    let mut stream = jetstream.get_stream(STREAM).await?;
    if is_quick {
        let consumer: Consumer<Config> =
            stream.get_consumer(CONSUMER).await.map_err(anyhow::Error::from_boxed)?;
        let config = Config { ack_wait: SHORT_WAIT, ..consumer.cached_info().config.clone() };
        stream.update_consumer(config).await?;
    }
    let deadline = Instant::now() + PATIENCE;
    let mut left = stream.info().await?.state.messages;
    while 0 < left && Instant::now() < deadline {
        sleep(POLL).await;
        left = stream.info().await?.state.messages;
    }
    let left: Vec<_> = (0 < left).then(|| format!("{left} are left")).into_iter().collect();
    Ok(Check::of("every wake-up is acknowledged in the end", &left))
}
