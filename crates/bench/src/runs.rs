//! Runs: from the question to the answer, their beginnings alone, and watching them.

mod learning;

use std::sync::Arc;

use tokio_postgres::NoTls;

use self::learning::{Asked, Watched};
use crate::{
    bare::{
        self,
        runs::{self, Learned},
        tasks::Tasks,
    },
    cases::{
        Case,
        runs::{InFlight, RunToEnd, Who, watch},
        starts::StartRun,
    },
    cli::Options,
    context::{Context, Plan},
    data::Data,
    embedded, first_event, jetstream, over_load,
    recorded::learned,
    report::{Report, Row, results::Results},
    setup::Setup,
    starts,
    suite::{self, Sides},
};

pub(crate) const NAMES: [&str; 7] = [
    "run_16",
    "run_1",
    "start_run",
    watch::NAME,
    first_event::NAME,
    jetstream::NAME,
    embedded::NAME,
];
const ALL: [InFlight; 2] = [InFlight::Sixteen, InFlight::One];
/// Embeds nothing: nobody answers there.
const NO_EMBEDDER: [(&str, &str); 2] = [
    (
        "MODEL_PROVIDERS",
        r#"[{"name": "nobody", "base_url": "http://127.0.0.1:9/v1", "allow_http": true, "embedding_models": ["none"]}]"#,
    ),
    ("EMBEDDING_MODEL", "nobody/none"),
];

/// Measures runs, if they are asked for.
///
/// Embedding messages is no part of a run, and would go on during the bare loop's rounds,
/// for its messages too. So the pair has no embedder, but for a case of its own in the end.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    options: &Options,
    results: &mut Results,
) -> anyhow::Result<()> {
    let measured = match NAMES.iter().any(|name| *name != embedded::NAME && options.wants(name)) {
        true => without_embedding(&without_embedder(setup), data, plan, options, results).await,
        false => Ok(()),
    };
    if options.wants(embedded::NAME) {
        let measure =
            async |report: &mut Report| embedded::measure(setup, data, plan, report).await;
        results.attempt(embedded::NAME, embedded::unmeasured(), measure).await;
    }
    measured
}

async fn without_embedding(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    options: &Options,
    results: &mut Results,
) -> anyhow::Result<()> {
    let asked = Asked::learn(setup, data, options).await?;
    let context = Context::start(setup.clone(), Arc::clone(data), plan).await?;
    watches(&context, &asked, options, results).await;
    to_end(&context, &asked, options, results).await;
    if let Some(start) = &asked.start {
        let measure =
            async |report: &mut Report| starts::measure(&context, learned(start)?, report).await;
        results.attempt(StartRun.name(), suite::unmeasured(&StartRun), measure).await;
    }
    context.pair.stop().await?;
    forget_tasks(setup).await
}

/// What is asked for, for when nothing could be measured.
pub(crate) fn unmeasured(options: &Options) -> Vec<Row> {
    let run = |in_flight| suite::unmeasured(&case(in_flight, Who::Product));
    let all = [
        (NAMES[0], run(InFlight::Sixteen)),
        (NAMES[1], run(InFlight::One)),
        (StartRun.name(), suite::unmeasured(&StartRun)),
        (watch::NAME, watch::unmeasured()),
        (first_event::NAME, first_event::unmeasured()),
        (jetstream::NAME, jetstream::unmeasured()),
        (embedded::NAME, embedded::unmeasured()),
    ];
    all.into_iter().filter(|(name, _)| options.wants(name)).flat_map(|(_, rows)| rows).collect()
}

async fn watches(context: &Context, asked: &Asked, options: &Options, results: &mut Results) {
    if options.wants(first_event::NAME) {
        let measure = async |report: &mut Report| first_event::measure(context, report).await;
        results.attempt(first_event::NAME, first_event::unmeasured(), measure).await;
    }
    if let Some(watched) = &asked.watch {
        let measure = async |report: &mut Report| ended(context, learned(watched)?, report).await;
        results.attempt(watch::NAME, watch::unmeasured(), measure).await;
    }
}

async fn to_end(context: &Context, asked: &Asked, options: &Options, results: &mut Results) {
    let Some(run) = &asked.run else { return };
    for in_flight in ALL {
        let case = case(in_flight, Who::Product);
        if options.wants(case.name()) {
            let measure =
                async |report: &mut Report| one(context, in_flight, learned(run)?, report).await;
            results.attempt(case.name(), suite::unmeasured(&case), measure).await;
        }
    }
    if options.wants(jetstream::NAME) {
        let measure = async |report: &mut Report| {
            jetstream::measure(context, learned(run)?.wake_up()?, report).await
        };
        results.attempt(jetstream::NAME, jetstream::unmeasured(), measure).await;
    }
}

/// What runs have left to be done beside them would be done during what is measured next.
async fn forget_tasks(setup: &Setup) -> anyhow::Result<()> {
    let (database, connection) = tokio_postgres::connect(&setup.postgres.url, NoTls).await?;
    tokio::spawn(connection);
    database.execute("DELETE FROM background_tasks", &[]).await?;
    Ok(())
}

fn case(in_flight: InFlight, who: Who) -> RunToEnd {
    RunToEnd { in_flight, who }
}

/// Watching runs that have ended.
async fn ended(context: &Context, watched: &Watched, report: &mut Report) -> anyhow::Result<()> {
    let Watched { case, script } = watched;
    eprintln!("measuring {} ...", case.name());
    let bare = bare::callers(&context.setup, &context.data, case, script).await?;
    let mut sides = Sides::of(context, case, Some(bare));
    sides.measure(context.plan).await?;
    report.cases.push(sides.figures());
    report.rows.extend(sides.rows());
    Ok(())
}

async fn one(
    context: &Context,
    in_flight: InFlight,
    learned: &Learned,
    report: &mut Report,
) -> anyhow::Result<()> {
    let product: Arc<dyn Case> = Arc::new(case(in_flight, Who::Product));
    let bare: Arc<dyn Case> = Arc::new(case(in_flight, Who::BareLoop));
    eprintln!("measuring {} ...", product.name());
    let callers = runs::callers(&context.setup, &context.data, &bare, learned).await?;
    let tasks = Tasks::connect(&context.setup).await?;
    let mut sides = Sides::of(context, &product, Some(callers));
    sides.bare = sides.bare.map(|side| side.forgetting(tasks));
    sides.measure(context.plan).await?;
    report.rows.extend(sides.rows());
    report.cases.push(sides.figures());
    if in_flight == InFlight::Sixteen {
        let most = sides.product.measured.rate().median;
        report.curves.push(over_load::measure(context, &product, most).await?);
    }
    Ok(())
}

pub(crate) fn without_embedder(setup: &Setup) -> Setup {
    let mut setup = setup.clone();
    let env = NO_EMBEDDER.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.run_worker.env.extend(env);
    setup
}
