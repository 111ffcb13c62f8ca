//! The bare loop: the product's own statements, on bare connections.

pub(crate) mod runs;
pub(crate) mod tasks;
pub(crate) mod wake_ups;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    cases::{Case, Turn},
    data::Data,
    load::{Caller, Callers},
    recorded::config,
    replay::{Replay, Script},
    setup::Setup,
};

/// Executes a case's statements with values of its own.
pub(crate) struct BareCaller {
    case: Arc<dyn Case>,
    data: Arc<Data>,
    turn: Turn,
    replay: Replay,
}

impl BareCaller {
    /// Connects.
    pub(crate) async fn new(
        setup: &Setup,
        data: &Arc<Data>,
        case: &Arc<dyn Case>,
        script: &Arc<Script>,
        number: usize,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            case: Arc::clone(case),
            data: Arc::clone(data),
            turn: Turn::of(number),
            replay: Replay::connect(&config(setup)?, Arc::clone(script)).await?,
        })
    }
}

#[async_trait]
impl Caller for BareCaller {
    async fn call(&mut self) -> anyhow::Result<()> {
        let subject = self.case.pick(&self.data, &mut self.turn);
        self.replay.run(&self.case.inputs(&subject)).await
    }
}

/// As many callers as the case has, each with connections of its own.
pub(crate) async fn callers(
    setup: &Setup,
    data: &Arc<Data>,
    case: &Arc<dyn Case>,
    script: &Arc<Script>,
) -> anyhow::Result<Callers> {
    let mut callers: Callers = Vec::new();
    for number in 0..case.callers() {
        callers.push(Box::new(BareCaller::new(setup, data, case, script, number).await?));
    }
    Ok(callers)
}
