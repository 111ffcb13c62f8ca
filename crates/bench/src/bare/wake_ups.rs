//! Wake-ups of the bare loop: published, fetched and acknowledged, without anybody of the product.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;

use crate::{
    load::{Caller, Callers},
    nats::Queue,
    setup::Setup,
};

/// The way to the queue, of all callers.
#[derive(Clone, Debug)]
pub(crate) struct WakeUps {
    pub(super) queue: Queue,
    bytes: usize,
    /// No two have the same.
    next_id: Arc<AtomicU64>,
}

impl WakeUps {
    /// Of so many bytes each.
    pub(super) async fn connect(setup: &Setup, bytes: usize) -> anyhow::Result<Self> {
        let queue = Queue::connect(&setup.nats.url).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        Ok(Self { queue, bytes, next_id: Arc::new(AtomicU64::new(now as u64)) })
    }

    /// Publishes the next, and gives its id.
    pub(super) async fn publish(&self) -> anyhow::Result<u64> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.queue.wake_up(id, self.bytes).await?;
        Ok(id)
    }
}

/// Makes nothing but wake-ups.
#[async_trait]
impl Caller for WakeUps {
    async fn call(&mut self) -> anyhow::Result<()> {
        self.publish().await?;
        let message = self.queue.fetch().await?;
        self.queue.acknowledge(&message).await
    }
}

/// So many callers that do nothing else.
pub(crate) async fn callers(setup: &Setup, bytes: usize, count: usize) -> anyhow::Result<Callers> {
    let wake_ups = WakeUps::connect(setup, bytes).await?;
    Ok((0..count).map(|_| Box::new(wake_ups.clone()) as Box<dyn Caller>).collect())
}
