//! What calls cost once there are ten times the users and their data, and with one user who has
//! a thousand times the sessions of another.
//!
//! An import is not measured again: it is into tables of the user's own, whoever else has some.

mod both;
mod tokens;

use std::sync::Arc;

use self::both::Both;
use crate::{
    cases::{
        self, Case, Cases,
        messages::LAST,
        runs::{
            InFlight, RunToEnd, Who,
            watch::{self, WatchRun},
        },
        starts::StartRun,
    },
    cli::Options,
    context::Plan,
    data::{Data, Scale},
    halted::Halted,
    measure::{Side, in_turn},
    measured::{Round, ratio},
    report::{Report, Row, results::Results},
    setup::Setup,
    starts::Mark,
};

pub(crate) use self::tokens::NAME as BY_TOKEN;

const AT_MOST: f64 = 1.2;

/// Ten times as much there is from here on.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    (plan, scale): (Plan, Scale),
    options: &Options,
    results: &mut Results,
) -> anyhow::Result<()> {
    if unmeasured(options).is_empty() {
        return Ok(());
    }
    let both = Both::start(setup, data, (plan, scale), &mut results.report).await?;
    for case in cases().into_iter().filter(|case| options.wants(case.name())) {
        let measure = async |report: &mut Report| calls(&both, &case, report).await;
        results.attempt(&of(case.name()), unmeasured_of(case.name()), measure).await;
    }
    if options.wants(watch::NAME) {
        let measure = async |report: &mut Report| watches(&both, report).await;
        results.attempt(&of(watch::NAME), unmeasured_of(watch::NAME), measure).await;
    }
    if options.wants(StartRun.name()) {
        let measure = async |report: &mut Report| starts(&both, report).await;
        results.attempt(&of(StartRun.name()), unmeasured_of(StartRun.name()), measure).await;
    }
    if options.wants(BY_TOKEN) {
        let measure = async |report: &mut Report| tokens::measure(&both.after, report).await;
        results.attempt(&of(BY_TOKEN), tokens::unmeasured(), measure).await;
    }
    both.stop().await
}

/// What is asked for, for when nothing could be measured.
pub(crate) fn unmeasured(options: &Options) -> Vec<Row> {
    let cases = cases();
    let names = cases.iter().map(|case| case.name()).chain([watch::NAME, StartRun.name()]);
    let mut rows: Vec<Row> =
        names.filter(|name| options.wants(name)).flat_map(unmeasured_of).collect();
    if options.wants(BY_TOKEN) {
        rows.extend(tokens::unmeasured());
    }
    rows
}

/// Those that need nothing to be done before or after.
fn cases() -> Cases {
    let run = RunToEnd { in_flight: InFlight::Sixteen, who: Who::Product };
    let others: [Arc<dyn Case>; 2] = [Arc::new(LAST), Arc::new(run)];
    cases::all().into_iter().chain(others).collect()
}

fn of(name: &str) -> String {
    format!("growth_{name}")
}

pub(crate) fn unmeasured_of(name: &str) -> Vec<Row> {
    [of(name), p50_of(name)].map(|it| Row::unmeasured(it, Some(AT_MOST))).into()
}

fn p50_of(name: &str) -> String {
    format!("growth_{name}_p50")
}

async fn calls(both: &Both, case: &Arc<dyn Case>, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {} with ten times as much ...", case.name());
    let mut sides = both.sides(case);
    in_turn(&mut sides.each_mut(), both.after.plan).await?;
    report.rows.extend(rows(case.name(), [&sides[0], &sides[1]]));
    Ok(())
}

/// Of runs that there were before either had runs of its own.
async fn watches(both: &Both, report: &mut Report) -> anyhow::Result<()> {
    let case: Arc<dyn Case> = Arc::new(WatchRun::of(&both.before.setup).await?);
    calls(both, &case, report).await
}

/// While no worker executes what is started.
async fn starts(both: &Both, report: &mut Report) -> anyhow::Result<()> {
    let case: Arc<dyn Case> = Arc::new(StartRun);
    let marks = [Mark::set(&both.before.setup).await?, Mark::set(&both.after.setup).await?];
    let workers = [&both.before, &both.after].map(|context| context.pair.pids().worker);
    let halted = Halted::all(&workers)?;
    let mut measured = calls(both, &case, report).await;
    for (mark, context) in marks.iter().zip([&both.before, &both.after]) {
        measured = measured.and(mark.clear(&context.setup).await);
    }
    drop(halted);
    measured
}

/// What the second side costs of what the first does, in CPU and in time.
fn rows(name: &str, [before, after]: [&Side; 2]) -> [Row; 2] {
    let (before, after) = (&before.measured, &after.measured);
    let cpu = ratio(after, before, |round: &Round| round.cpu_us_by_part().of_product());
    let p50 = ratio(after, before, |round: &Round| round.latency_ms(0.5));
    [(of(name), cpu), (p50_of(name), p50)]
        .map(|(name, ratio)| Row::new(name, Some(ratio), Some(AT_MOST)))
}
