//! What is asked for of runs, and what it is made of.

use std::sync::Arc;

use anyhow::Context as _;

use super::case;
use crate::{
    bare::runs::Learned,
    cases::{
        Case,
        runs::{
            InFlight, Who,
            watch::{self, WatchRun},
        },
        starts::StartRun,
    },
    cli::Options,
    data::Data,
    jetstream,
    recorded::Recorded,
    replay::Script,
    setup::Setup,
    starts,
};

/// Nothing of it is there that is not asked for. What could not be learned is there as the
/// reason.
pub(super) struct Asked {
    pub(super) run: Option<anyhow::Result<Learned>>,
    pub(super) start: Option<anyhow::Result<Learned>>,
    pub(super) watch: Option<anyhow::Result<Watched>>,
}

/// Runs that have ended, to be watched.
pub(super) struct Watched {
    pub(super) case: Arc<dyn Case>,
    pub(super) script: Arc<Script>,
}

impl Asked {
    /// On a pair that is recorded, for as long as it takes.
    pub(super) async fn learn(
        setup: &Setup,
        data: &Data,
        options: &Options,
    ) -> anyhow::Result<Self> {
        eprintln!("learning what runs are made of ...");
        let mut recorded = Recorded::start(setup, data).await?;
        let mut asked = Self { run: None, start: None, watch: None };
        if options.wants(watch::NAME) {
            asked.watch = Some(watched(&recorded, setup, data).await.context("learning it"));
        }
        if ["run_16", "run_1", jetstream::NAME].iter().any(|name| options.wants(name)) {
            asked.run = Some(run(&mut recorded, data).await);
        }
        if options.wants(StartRun.name()) {
            let start = starts::learn(&mut recorded, setup, data).await;
            asked.start = Some(start.context("learning it"));
        }
        recorded.stop().await?;
        Ok(asked)
    }
}

async fn watched(recorded: &Recorded, setup: &Setup, data: &Data) -> anyhow::Result<Watched> {
    let case: Arc<dyn Case> = Arc::new(WatchRun::of(setup).await?);
    let script = recorded.learn(case.as_ref(), data).await?;
    Ok(Watched { case, script: Arc::new(script) })
}

async fn run(recorded: &mut Recorded, data: &Data) -> anyhow::Result<Learned> {
    let case = case(InFlight::Sixteen, Who::Recorder);
    let script = recorded.learn(&case, data).await.context("learning what a run executes")?;
    let publications = recorded.hear(&case, data).await.context("learning what a run publishes")?;
    Ok(Learned { script: Arc::new(script), publications: publications.into() })
}
