//! The bare loop of a run: beside its statements a wake-up that is published, and, if the
//! run is executed, fetched and acknowledged, and all else that is published for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use async_trait::async_trait;

use super::BareCaller;
use crate::{
    cases::Case,
    data::Data,
    load::{Caller, Callers},
    nats::{Publication, Queue},
    replay::Script,
    setup::Setup,
};

/// What a run is made of.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    pub(crate) script: Arc<Script>,
    pub(crate) publications: Arc<[Publication]>,
}

impl Learned {
    fn wake_up(&self) -> Option<usize> {
        self.publications.iter().find_map(Publication::wake_up)
    }

    /// What is published besides.
    fn others(&self) -> impl Iterator<Item = Publication> {
        self.publications.iter().filter(|it| it.wake_up().is_none()).copied()
    }
}

struct BareRunCaller {
    statements: BareCaller,
    queue: Queue,
    wake_up: usize,
    /// None if nobody executes the run.
    publications: Arc<[Publication]>,
    /// Of all callers: no two wake-ups have the same id.
    next_id: Arc<AtomicU64>,
}

#[async_trait]
impl Caller for BareRunCaller {
    async fn call(&mut self) -> anyhow::Result<()> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.queue.wake_up(id, self.wake_up).await?;
        if self.publications.is_empty() {
            return self.statements.call().await;
        }
        let message = self.queue.fetch().await?;
        self.statements.call().await?;
        self.queue.announce(id, &self.publications).await?;
        self.queue.acknowledge(&message).await
    }
}

pub(crate) async fn callers(
    setup: &Setup,
    data: &Arc<Data>,
    case: &Arc<dyn Case>,
    learned: &Learned,
) -> anyhow::Result<Callers> {
    let queue = Queue::connect(&setup.nats.url).await?;
    let wake_up = learned.wake_up().context("a run publishes no wake-up")?;
    let publications: Arc<[Publication]> = learned.others().collect();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let next_id = Arc::new(AtomicU64::new(now as u64));
    let mut callers: Callers = Vec::new();
    for number in 0..case.callers() {
        let statements = BareCaller::new(setup, data, case, &learned.script, number).await?;
        callers.push(Box::new(BareRunCaller {
            statements,
            queue: queue.clone(),
            wake_up,
            publications: Arc::clone(&publications),
            next_id: Arc::clone(&next_id),
        }));
    }
    Ok(callers)
}
