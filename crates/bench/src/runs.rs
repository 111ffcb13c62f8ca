//! Runs: from the question to the answer, and their beginnings alone.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_postgres::NoTls;

use crate::{
    bare::{
        self,
        runs::{self, Learned},
    },
    cases::{
        Case,
        runs::{
            InFlight, RunToEnd, Who,
            watch::{self, WatchRun},
        },
        starts::StartRun,
    },
    cli::Options,
    context::{Context, Plan},
    data::Data,
    over_load,
    recorded::Recorded,
    replay::Script,
    report::Report,
    setup::Setup,
    starts,
    suite::Sides,
};

pub(crate) const NAMES: [&str; 4] = ["run_16", "run_1", "start_run", watch::NAME];
const ALL: [InFlight; 2] = [InFlight::Sixteen, InFlight::One];
/// Embeds nothing: nobody answers there.
const NO_EMBEDDER: [(&str, &str); 2] = [
    (
        "MODEL_PROVIDERS",
        r#"[{"name": "nobody", "base_url": "http://127.0.0.1:9/v1", "allow_http": true, "embedding_models": ["none"]}]"#,
    ),
    ("EMBEDDING_MODEL", "nobody/none"),
];

/// What of it is asked for, and what it is made of.
struct Asked {
    to_end: Vec<InFlight>,
    run: Option<Learned>,
    start: Option<Learned>,
    watch: Option<(Arc<dyn Case>, Arc<Script>)>,
}

/// Measures runs, if they are asked for.
///
/// Embedding messages is no part of a run, and would go on during the bare loop's rounds,
/// for its messages too. So the pair has no embedder for as long as runs are measured.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    if !NAMES.iter().any(|name| options.wants(name)) {
        return Ok(());
    }
    let setup = without_embedder(setup);
    eprintln!("learning what runs are made of ...");
    let mut recorded = Recorded::start(&setup, data).await?;
    let asked = Asked::learn(&mut recorded, &setup, data, options).await?;
    recorded.stop().await?;
    let context = Context::start(setup, Arc::clone(data), plan).await?;
    asked.measure(&context, report).await?;
    let setup = context.setup.clone();
    context.pair.stop().await?;
    forget_tasks(&setup).await
}

/// What runs have left to be done beside them would be done during what is measured next.
async fn forget_tasks(setup: &Setup) -> anyhow::Result<()> {
    let (database, connection) = tokio_postgres::connect(&setup.postgres.url, NoTls).await?;
    tokio::spawn(connection);
    database.execute("DELETE FROM background_tasks", &[]).await?;
    Ok(())
}

impl Asked {
    async fn learn(
        recorded: &mut Recorded,
        setup: &Setup,
        data: &Data,
        options: &Options,
    ) -> anyhow::Result<Self> {
        let is_wanted = |it: &InFlight| options.wants(case(*it, Who::Product).name());
        let to_end: Vec<InFlight> = ALL.into_iter().filter(is_wanted).collect();
        let mut asked = Self { run: None, start: None, watch: None, to_end };
        if options.wants(watch::NAME) {
            let case: Arc<dyn Case> = Arc::new(WatchRun::of(setup).await?);
            let script = recorded.learn(case.as_ref(), data).await.context(watch::NAME)?;
            asked.watch = Some((case, Arc::new(script)));
        }
        if !asked.to_end.is_empty() {
            asked.run = Some(learn(recorded, data).await?);
        }
        if options.wants(StartRun.name()) {
            let start = starts::learn(recorded, setup, data).await.context(StartRun.name())?;
            asked.start = Some(start);
        }
        Ok(asked)
    }

    async fn measure(self, context: &Context, report: &mut Report) -> anyhow::Result<()> {
        if let Some((case, script)) = &self.watch {
            watches(context, case, script, report).await.context(watch::NAME)?;
        }
        if let Some(run) = &self.run {
            for in_flight in self.to_end {
                to_end(context, in_flight, run, report).await?;
            }
        }
        if let Some(start) = &self.start {
            starts::measure(context, start, report).await.context(StartRun.name())?;
        }
        Ok(())
    }
}

fn case(in_flight: InFlight, who: Who) -> RunToEnd {
    RunToEnd { in_flight, who }
}

async fn watches(
    context: &Context,
    case: &Arc<dyn Case>,
    script: &Arc<Script>,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("measuring {} ...", case.name());
    let bare = bare::callers(&context.setup, &context.data, case, script).await?;
    let mut sides = Sides::of(context, case, Some(bare));
    sides.measure(context.plan).await?;
    report.cases.push(sides.figures());
    report.rows.extend(sides.rows());
    Ok(())
}

async fn to_end(
    context: &Context,
    in_flight: InFlight,
    learned: &Learned,
    report: &mut Report,
) -> anyhow::Result<()> {
    let product: Arc<dyn Case> = Arc::new(case(in_flight, Who::Product));
    let bare: Arc<dyn Case> = Arc::new(case(in_flight, Who::BareLoop));
    eprintln!("measuring {} ...", product.name());
    let callers = runs::callers(&context.setup, &context.data, &bare, learned).await?;
    let mut sides = Sides::of(context, &product, Some(callers));
    sides.measure(context.plan).await?;
    let figures = sides.figures();
    report.rows.extend(sides.rows());
    if in_flight == InFlight::Sixteen {
        let curve = over_load::measure(context, &product, figures.product.rate.median).await?;
        report.curves.push(curve);
    }
    report.cases.push(figures);
    Ok(())
}

async fn learn(recorded: &mut Recorded, data: &Data) -> anyhow::Result<Learned> {
    let case = case(InFlight::Sixteen, Who::Recorder);
    let script = recorded.learn(&case, data).await.context("learning what a run executes")?;
    let publications = recorded.hear(&case, data).await.context("learning what a run publishes")?;
    Ok(Learned { script: Arc::new(script), publications: publications.into() })
}

fn without_embedder(setup: &Setup) -> Setup {
    let mut setup = setup.clone();
    let env = NO_EMBEDDER.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.run_worker.env.extend(env);
    setup
}
