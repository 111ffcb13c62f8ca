//! Whether the pair's memory grows under load that goes on.

mod course;

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{Instant, interval};

use self::course::{Course, Sample};
use crate::{
    cases::{
        Case, Cases, messages,
        runs::{InFlight, RunToEnd, Who},
        sessions::{CreateSession, GetSession, ListSessions},
    },
    context::Context,
    cpu,
    load::{Callers, closed},
    measured::Spread,
    product::Product,
    report::{Report, Row},
    start::MEBIBYTE,
};

/// Callers of each case.
const CALLERS: usize = 2;
/// How often is looked.
const SAMPLES: u32 = 400;
/// What memory at the end may be of that half-way: what is more is growth, not noise.
const AT_MOST: f64 = 1.05;

pub(crate) fn unmeasured() -> Vec<Row> {
    ["service", "worker"].map(|name| Row::unmeasured(format!("soak_{name}"), Some(AT_MOST))).into()
}

/// Puts every kind of load on the pair for so many minutes.
pub(crate) async fn measure(
    context: &Context,
    minutes: u32,
    report: &mut Report,
) -> anyhow::Result<()> {
    let length = Duration::from_secs(60 * u64::from(minutes));
    eprintln!("putting load on the pair for {minutes} minutes ...");
    let mut callers = callers(context);
    let (mut service, mut worker) = (Course::default(), Course::default());
    let answered = tokio::select! {
        outcome = closed::run(&mut callers, length) => outcome.map(|it| it.answered()),
        failed = watch(context, length / SAMPLES, &mut service, &mut worker) => {
            failed.map(|never| match never {})
        }
    };
    let courses = [("service", service), ("worker", worker)];
    for (name, course) in &courses {
        report.say(&format!("soak, memory of the {name}"), course.to_string());
    }
    // Whatever has failed, the memory until then is told.
    report.say("soak", format!("{} calls in {minutes} minutes", answered?));
    for (name, course) in courses {
        let growth = course.growth().map(|it| Spread::of([it]));
        report.rows.push(Row::new(format!("soak_{name}"), growth, Some(AT_MOST)));
    }
    Ok(())
}

/// Takes samples for as long as it is waited for.
async fn watch(
    context: &Context,
    pause: Duration,
    service: &mut Course,
    worker: &mut Course,
) -> anyhow::Result<Infallible> {
    let (began, pids) = (Instant::now(), context.pair.pids());
    let mut ticks = interval(pause);
    loop {
        ticks.tick().await;
        for (course, pid) in [(&mut *service, pids.service), (&mut *worker, pids.worker)] {
            let mib = cpu::resident(pid)? as f64 / MEBIBYTE;
            course.samples.push(Sample { after: began.elapsed(), mib });
        }
    }
}

fn callers(context: &Context) -> Callers {
    let run = RunToEnd { in_flight: InFlight::Sixteen, who: Who::Product };
    let cases: Cases = vec![
        Arc::new(messages::PAGE),
        Arc::new(ListSessions::Plain),
        Arc::new(GetSession),
        Arc::new(CreateSession),
        Arc::new(run),
    ];
    cases.iter().flat_map(|case| of_case(context, case)).collect()
}

fn of_case(context: &Context, case: &Arc<dyn Case>) -> Callers {
    Product::of(context, case).callers(CALLERS)
}
