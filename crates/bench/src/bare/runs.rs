//! The bare loop of a run: beside its statements a wake-up that is published, and, if the
//! run is executed, fetched and acknowledged, and all else that is published for it.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;

use super::{BareCaller, wake_ups::WakeUps};
use crate::{
    cases::Case,
    data::Data,
    load::{Caller, Callers},
    nats::Publication,
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
    /// How many bytes a wake-up has.
    pub(crate) fn wake_up(&self) -> anyhow::Result<usize> {
        let wake_up = self.publications.iter().find_map(Publication::wake_up);
        wake_up.context("a run publishes no wake-up")
    }

    /// What is published besides.
    fn others(&self) -> impl Iterator<Item = Publication> {
        self.publications.iter().filter(|it| it.wake_up().is_none()).copied()
    }
}

struct BareRunCaller {
    statements: BareCaller,
    wake_ups: WakeUps,
    /// None if nobody executes the run.
    publications: Arc<[Publication]>,
}

#[async_trait]
impl Caller for BareRunCaller {
    async fn call(&mut self) -> anyhow::Result<()> {
        let id = self.wake_ups.publish().await?;
        if self.publications.is_empty() {
            return self.statements.call().await;
        }
        let queue = &self.wake_ups.queue;
        let message = queue.fetch().await?;
        self.statements.call().await?;
        queue.announce(id, &self.publications).await?;
        queue.acknowledge(&message).await
    }
}

pub(crate) async fn callers(
    setup: &Setup,
    data: &Arc<Data>,
    case: &Arc<dyn Case>,
    learned: &Learned,
) -> anyhow::Result<Callers> {
    let wake_ups = WakeUps::connect(setup, learned.wake_up()?).await?;
    let publications: Arc<[Publication]> = learned.others().collect();
    let mut callers: Callers = Vec::new();
    for number in 0..case.callers() {
        let statements = BareCaller::new(setup, data, case, &learned.script, number).await?;
        callers.push(Box::new(BareRunCaller {
            statements,
            wake_ups: wake_ups.clone(),
            publications: Arc::clone(&publications),
        }));
    }
    Ok(callers)
}
