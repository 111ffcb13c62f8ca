//! Everything that is asked for, in order.

use std::sync::Arc;

use anyhow::{Context as _, ensure};

use crate::{
    about::{about, of_data, whole},
    beyond, calls,
    cases::{
        self, Case as _,
        search::{self, SearchMessages},
    },
    cli::{Options, is_of},
    context::Plan,
    data::{self, Loaded, Scale},
    growth,
    measured::Spread,
    optimized, pages,
    report::{Report, Row, results::Results},
    runs, saturation,
    setup::Setup,
    suite,
};

/// The cases that are measured in ways of their own.
const OTHERS: [&str; 3] = [pages::NAME, saturation::NAME, FILL];

/// How long the data set takes.
const FILL: &str = "fill_seconds";
/// For all of it.
const FILL_AT_MOST: f64 = 60.0;

pub(crate) async fn bench(options: &Options) -> anyhow::Result<()> {
    let file = options.setup.as_ref().context("--setup is missing")?;
    let setup = Setup::read(file)?;
    check(options)?;
    optimized::check(&setup)?;
    let (plan, scale) = match options.quick {
        true => (Plan::QUICK, Scale::Quick),
        false => (Plan::FULL, Scale::One),
    };
    let mut results = Results::begin(about(&setup, options, plan), options)?;
    let measured = measure(&setup, (plan, scale), options, &mut results).await;
    let fill = fill_rows(scale, options, None);
    let rows =
        [fill, calls::unmeasured(options), runs::unmeasured(options), beyond::unmeasured(options)];
    results.note("filling the database", rows.concat(), measured);
    results.end(options)
}

/// That something is measured for each name that is asked for.
fn check(options: &Options) -> anyhow::Result<()> {
    let cases = cases::all();
    let names: Vec<&str> = cases
        .iter()
        .map(|it| it.name())
        .chain(OTHERS)
        .chain(runs::NAMES)
        .chain(beyond::NAMES)
        .chain(options.growth.then_some(growth::BY_TOKEN))
        .collect();
    for name in &options.only {
        let is_known = names.iter().any(|it| is_of(it, name));
        ensure!(is_known, "--only {name}: the cases are {}", names.join(", "));
    }
    Ok(())
}

/// Fails if there is nothing to be measured on. What else fails is noted.
async fn measure(
    setup: &Setup,
    (plan, scale): (Plan, Scale),
    options: &Options,
    results: &mut Results,
) -> anyhow::Result<()> {
    eprintln!("filling the database ...");
    let Loaded { data, took } = data::load(setup, scale).await?;
    let data = Arc::new(data);
    results.report.say("data", of_data(&data));
    results.report.say("filled in", format!("{took:.1?}"));
    results.report.rows.extend(fill_rows(scale, options, Some(took.as_secs_f64())));
    let options = &with_vectors(setup, scale, options, results).await;
    let measured = Box::pin(calls::measure(setup, &data, plan, options, results)).await;
    results.note("calls", calls::unmeasured(options), measured);
    let measured = Box::pin(runs::measure(setup, &data, plan, options, results)).await;
    results.note("runs", runs::unmeasured(options), measured);
    Box::pin(beyond::measure(setup, &data, (plan, scale), options, results)).await;
    Ok(())
}

fn fill_rows(scale: Scale, options: &Options, seconds: Option<f64>) -> Vec<Row> {
    let at_most = (scale == Scale::One).then_some(FILL_AT_MOST);
    let row = Row::new(FILL, seconds.map(|it| Spread::of([it])), at_most);
    if options.wants(FILL) { vec![row] } else { Vec::new() }
}

/// Adds vectors for the searches that are asked for. What is left to be measured is without them
/// if that fails: they would find nothing.
async fn with_vectors(
    setup: &Setup,
    scale: Scale,
    options: &Options,
    results: &mut Results,
) -> Options {
    let searches: Vec<_> =
        search::ALL.into_iter().filter(|case| options.wants(case.name())).collect();
    if searches.is_empty() {
        return options.clone();
    }
    let added = add_vectors(setup, scale, &mut results.report).await;
    let left = match &added {
        Ok(()) => options.clone(),
        Err(_) => options.without(searches.iter().map(|case| case.name())),
    };
    let rows = searches.iter().flat_map(|case| search_rows(case, options)).collect();
    results.note("adding vectors", rows, added);
    left
}

fn search_rows(case: &SearchMessages, options: &Options) -> Vec<Row> {
    let mut rows = suite::unmeasured(case);
    if options.growth {
        rows.extend(growth::unmeasured_of(case.name()));
    }
    rows
}

async fn add_vectors(setup: &Setup, scale: Scale, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("adding vectors ...");
    let added = data::vectors::add(setup, scale).await?;
    report.say("vectors", format!("{}, added in {:.1?}", whole(added.count), added.took));
    Ok(())
}
