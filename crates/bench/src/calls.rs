//! Calls that are no runs: each against the bare loop and the echo.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, bail};

use crate::{
    bare,
    cases::{self, Case, Cases, messages::PAGE},
    cli::Options,
    context::{Context, Plan},
    data::Data,
    over_load, pages,
    recorded::{Recorded, learned},
    replay::Script,
    report::{Report, Row, results::Results},
    saturation,
    setup::Setup,
    suite::{self, Sides},
};

/// What calls execute, by the case's name.
type Scripts = HashMap<&'static str, anyhow::Result<Arc<Script>>>;

pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    options: &Options,
    results: &mut Results,
) -> anyhow::Result<()> {
    let compared = compared(options);
    let (saturates, turns_pages) = (options.wants(saturation::NAME), options.wants(pages::NAME));
    if compared.is_empty() && !saturates && !turns_pages {
        return Ok(());
    }
    let scripts = learn(setup, data, &to_learn(&compared, saturates)).await?;
    let context = Context::start(setup.clone(), Arc::clone(data), plan).await?;
    for case in &compared {
        let compare = async |report: &mut Report| compare(&context, case, &scripts, report).await;
        results.attempt(case.name(), suite::unmeasured(case.as_ref()), compare).await;
    }
    if turns_pages {
        let pages = async |report: &mut Report| pages::measure(&context, report).await;
        results.attempt(pages::NAME, pages::unmeasured(), pages).await;
    }
    if saturates {
        let saturate = async |report: &mut Report| saturate(&context, &scripts, report).await;
        results.attempt(saturation::NAME, saturation::unmeasured(), saturate).await;
    }
    context.pair.stop().await
}

/// What is asked for, for when nothing could be measured.
pub(crate) fn unmeasured(options: &Options) -> Vec<Row> {
    let compared = compared(options);
    let mut rows: Vec<Row> =
        compared.iter().flat_map(|case| suite::unmeasured(case.as_ref())).collect();
    for (name, others) in
        [(pages::NAME, pages::unmeasured()), (saturation::NAME, saturation::unmeasured())]
    {
        rows.extend(others.into_iter().filter(|_| options.wants(name)));
    }
    rows
}

/// The cases that are asked for, with as many callers as are asked for.
fn compared(options: &Options) -> Cases {
    let cases = cases::all().into_iter().filter(|case| options.wants(case.name()));
    let crowd = |case: Arc<dyn Case>| match options.callers {
        Some(callers) => cases::with_callers(&case, callers.into()),
        None => case,
    };
    cases.map(crowd).collect()
}

fn to_learn(compared: &Cases, saturates: bool) -> Cases {
    let mut cases = compared.clone();
    if saturates && !cases.iter().any(|case| case.name() == PAGE.name()) {
        cases.push(Arc::new(PAGE));
    }
    cases
}

async fn learn(setup: &Setup, data: &Data, cases: &Cases) -> anyhow::Result<Scripts> {
    let mut scripts = Scripts::new();
    if cases.is_empty() {
        return Ok(scripts);
    }
    eprintln!("learning what is executed ...");
    let recorded = Recorded::start(setup, data).await?;
    for case in cases {
        let script = recorded.learn(case.as_ref(), data).await.context("learning it");
        scripts.insert(case.name(), script.map(Arc::new));
    }
    recorded.stop().await?;
    Ok(scripts)
}

fn script_of<'a>(scripts: &'a Scripts, case: &dyn Case) -> anyhow::Result<&'a Arc<Script>> {
    match scripts.get(case.name()) {
        Some(script) => learned(script),
        None => bail!("it was not learned"),
    }
}

async fn compare(
    context: &Context,
    case: &Arc<dyn Case>,
    scripts: &Scripts,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("measuring {} ...", case.name());
    let script = script_of(scripts, case.as_ref())?;
    let bare = bare::callers(&context.setup, &context.data, case, script).await?;
    let mut sides = Sides::of(context, case, Some(bare)).with_echo(context).await?;
    sides.measure(context.plan).await?;
    report.cases.push(sides.figures());
    report.rows.extend(sides.rows());
    Ok(())
}

/// How much there can be of it, and how long it takes when there is less.
async fn saturate(context: &Context, scripts: &Scripts, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {} ...", saturation::NAME);
    let page: Arc<dyn Case> = Arc::new(PAGE);
    let script = script_of(scripts, page.as_ref())?;
    let most = saturation::measure(context, script, report).await?;
    report.curves.push(over_load::measure(context, &page, most).await?);
    Ok(())
}
