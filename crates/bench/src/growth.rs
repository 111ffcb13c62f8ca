//! What calls cost once there are ten times the users and their data, and with one user who has
//! a thousand times the sessions of another.

mod tokens;

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    cases::{
        self, Case, Cases,
        runs::{InFlight, RunToEnd, Who},
    },
    cli::Options,
    context::{Context, Plan},
    data::{self, Data, Scale, connect},
    measure::{Side, in_turn},
    measured::{Round, ratio},
    report::{Report, Row},
    setup::Setup,
    suite::Sides,
};

/// What was there before is kept in a database of its own, and both are measured in turn.
const BEFORE: &str = "tertulia_before";
const AT_MOST: f64 = 1.2;

/// Ten times as much there is from here on.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    (plan, scale): (Plan, Scale),
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("filling the database with ten times as much ...");
    let before = copy(setup).await.context("copying the database")?;
    let loaded = data::grow(setup, data, scale).await?;
    report.about.push(("filled with ten times as much in".into(), format!("{:.1?}", loaded.took)));
    let before = Context::start(before, Arc::clone(data), plan).await?;
    let after = Context::start(setup.clone(), Arc::new(loaded.data), plan).await?;
    for case in cases().into_iter().filter(|case| options.wants(case.name())) {
        eprintln!("measuring {} with ten times as much ...", case.name());
        let mut sides = [&before, &after].map(|context| Sides::of(context, &case, None).product);
        compare(case.name(), &mut sides, plan, report).await.context(case.name())?;
    }
    tokens::measure(&after, report).await.context("listing by token")?;
    before.pair.stop().await?;
    after.pair.stop().await
}

fn cases() -> Cases {
    let run = RunToEnd { in_flight: InFlight::Sixteen, who: Who::Product };
    let run: Arc<dyn Case> = Arc::new(run);
    cases::all().into_iter().chain([run]).collect()
}

/// What the second side costs of what the first does.
async fn compare(
    name: &str,
    sides: &mut [Side; 2],
    plan: Plan,
    report: &mut Report,
) -> anyhow::Result<()> {
    in_turn(&mut sides.each_mut(), plan).await?;
    let [before, after] = sides.each_ref().map(|side| &side.measured);
    let cpu = |round: &Round| round.cpu_us_by_part().of_product();
    let row = |suffix: &str, figure: &dyn Fn(&Round) -> f64, target| {
        Row::new(format!("growth_{name}{suffix}"), Some(ratio(after, before, figure)), target)
    };
    report.rows.push(row("", &cpu, Some(AT_MOST)));
    report.rows.push(row("_p50", &|round| round.latency_ms(0.5), None));
    Ok(())
}

/// A pair on a copy of the database. Nobody else may be connected to it meanwhile.
async fn copy(setup: &Setup) -> anyhow::Result<Setup> {
    const DISCONNECT: &str = "
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND backend_type = 'client backend'";
    let server = setup.beside("postgres")?.postgres.url;
    let client = connect(&server).await?;
    let (_, database) = setup.postgres.url.rsplit_once('/').context("the URL names no database")?;
    client.query(DISCONNECT, &[&database]).await?;
    let create = format!("CREATE DATABASE {BEFORE} TEMPLATE {database} STRATEGY FILE_COPY");
    client.batch_execute(&create).await?;
    setup.beside(BEFORE)
}
