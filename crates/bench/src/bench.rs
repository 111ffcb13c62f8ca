//! Everything that is asked for, in order.

use std::{collections::HashMap, fs, sync::Arc};

use anyhow::{Context as _, ensure};

use crate::{
    about::about,
    bare, beyond,
    cases::{self, Case, Cases, messages::PAGE, search},
    cli::{Options, is_of},
    context::{Context, Plan},
    data::{self, Data, Scale},
    over_load, pages,
    recorded::Recorded,
    replay::Script,
    report::{Report, json::json, picture, table::table},
    runs, saturation,
    setup::Setup,
    suite::Sides,
};

/// What calls execute, by the case's name.
type Scripts = HashMap<&'static str, Arc<Script>>;

/// The cases that are measured in ways of their own.
const OTHERS: [&str; 2] = [pages::NAME, saturation::NAME];

pub(crate) async fn bench(options: &Options) -> anyhow::Result<()> {
    let file = options.setup.as_ref().context("--setup is missing")?;
    let setup = Setup::read(file)?;
    check(options)?;
    let (plan, scale) = match options.quick {
        true => (Plan::QUICK, Scale::Quick),
        false => (Plan::FULL, Scale::One),
    };
    let mut report = Report { about: about(&setup, options, plan), ..Report::default() };
    eprintln!("filling the database ...");
    let loaded = data::load(&setup, scale).await?;
    report.about.push(("filled in".to_owned(), format!("{:.1?}", loaded.took)));
    let data = Arc::new(loaded.data);
    let longest = data.long.session.messages;
    report.about.push(("longest conversation".to_owned(), format!("{longest} messages")));
    if search::ALL.iter().any(|case| options.wants(case.name())) {
        eprintln!("adding vectors ...");
        let took = data::vectors::add(&setup, scale).await?;
        report.about.push(("vectors added in".to_owned(), format!("{took:.1?}")));
    }
    reads_and_writes(&setup, &data, plan, options, &mut report).await?;
    runs::measure(&setup, &data, plan, options, &mut report).await.context("runs")?;
    beyond::measure(&setup, &data, (plan, scale), options, &mut report).await?;
    tell(&report, options)
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
        .collect();
    for name in &options.only {
        let is_known = names.iter().any(|it| is_of(it, name));
        ensure!(is_known, "--only {name}: the cases are {}", names.join(", "));
    }
    Ok(())
}

/// Everything but runs.
async fn reads_and_writes(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    options: &Options,
    report: &mut Report,
) -> anyhow::Result<()> {
    let saturates = options.wants(saturation::NAME);
    let compared = compared(options);
    let mut learned = compared.clone();
    if saturates {
        learned.push(Arc::new(PAGE));
    }
    let scripts = learn(setup, data, &learned).await?;
    let context = Context::start(setup.clone(), Arc::clone(data), plan).await?;
    for case in &compared {
        compare(&context, case, &scripts, report).await.context(case.name())?;
    }
    if options.wants(pages::NAME) {
        eprintln!("measuring {} ...", pages::NAME);
        pages::measure(&context, report).await.context(pages::NAME)?;
    }
    if saturates {
        saturate(&context, &scripts, report).await.context(saturation::NAME)?;
    }
    context.pair.stop().await
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

async fn learn(setup: &Setup, data: &Data, cases: &Cases) -> anyhow::Result<Scripts> {
    eprintln!("learning what is executed ...");
    let mut scripts = Scripts::new();
    if cases.is_empty() {
        return Ok(scripts);
    }
    let recorded = Recorded::start(setup, data).await?;
    for case in cases {
        let script = recorded.learn(case.as_ref(), data).await;
        let script = script.with_context(|| format!("learning {}", case.name()))?;
        scripts.insert(case.name(), Arc::new(script));
    }
    recorded.stop().await?;
    Ok(scripts)
}

async fn compare(
    context: &Context,
    case: &Arc<dyn Case>,
    scripts: &Scripts,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("measuring {} ...", case.name());
    let script = scripts.get(case.name()).context("it was not learned")?;
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
    let script = scripts.get(page.name()).context("it was not learned")?;
    let most = saturation::measure(context, script, report).await?;
    report.curves.push(over_load::measure(context, &page, most).await?);
    Ok(())
}

fn tell(report: &Report, options: &Options) -> anyhow::Result<()> {
    print(&table(report));
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&json(report))?;
        fs::write(file, text).with_context(|| file.display().to_string())?;
    }
    if let Some(folder) = &options.picture {
        picture::draw(report, folder)?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
fn print(text: &str) {
    println!("{text}");
}
