//! What is left out of runs elsewhere: runs whose messages are embedded beside them, by a
//! provider over HTTP, until the last of them is.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::{
    cases::{
        Case,
        runs::{InFlight, RunToEnd, Who},
    },
    context::{Context, Plan},
    cpu::Window,
    data::{Data, connect},
    embedder::{self, Embedder},
    load::{Callers, closed},
    measured::{Measured, Round, Spread},
    product::Product,
    report::{CaseFigures, Figures, Report, Row},
    setup::Setup,
};

pub(crate) const NAME: &str = "run_16_embedded";
const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(row_name(), None)]
}

fn row_name() -> String {
    format!("{NAME}_cpu_us")
}

/// Compared with nothing: the bare loop's messages would be embedded too.
pub(crate) async fn measure(
    setup: &Setup,
    data: &Arc<Data>,
    plan: Plan,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let embedder = Embedder::start().await?;
    let mut setup = setup.clone();
    setup.run_worker.env.extend(embedder.env());
    let database = connect(&setup.postgres.url).await?;
    let context = Context::start(setup, Arc::clone(data), plan).await?;
    let measured = rounds(&context, &database).await?;
    context.pair.stop().await?;
    forget(&database).await?;
    let cpu = measured.rounds.iter().map(|round| round.cpu_us_by_part().of_product());
    report.rows.push(Row::new(row_name(), Some(Spread::of(cpu)), None));
    report.cases.push(CaseFigures {
        case: NAME.to_owned(),
        callers: CASE.callers(),
        product: Some(Figures::of(&measured)),
        bare: None,
        echo: None,
    });
    Ok(())
}

const CASE: RunToEnd = RunToEnd { in_flight: InFlight::Sixteen, who: Who::Product };

async fn rounds(context: &Context, database: &Client) -> anyhow::Result<Measured> {
    let case: Arc<dyn Case> = Arc::new(CASE);
    let mut callers = Product::of(context, &case).callers(CASE.callers());
    let plan = context.plan;
    round(context, database, &mut callers, plan.warm_up).await?;
    let mut measured = Measured::default();
    for _ in 0..plan.rounds {
        measured.rounds.push(round(context, database, &mut callers, plan.round).await?);
    }
    Ok(measured)
}

/// Rates and latencies are those of the runs; the CPU is that of all that they have left to do.
async fn round(
    context: &Context,
    database: &Client,
    callers: &mut Callers,
    length: Duration,
) -> anyhow::Result<Round> {
    let window = Window::open(context.pids())?;
    let outcome = closed::run(callers, length).await?;
    let calls = outcome.answered();
    all_embedded(database).await?;
    let cpu = window.close()?;
    Ok(Round { calls, elapsed: outcome.elapsed, latencies: outcome.latencies, cpu })
}

async fn all_embedded(database: &Client) -> anyhow::Result<()> {
    const LEFT: &str = "SELECT count(*) FROM background_tasks WHERE kind = 'embed'";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left: i64 = database.query_one(LEFT, &[]).await?.try_get(0)?;
        if left == 0 {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{left} messages were not embedded in time");
        sleep(POLL).await;
    }
}

/// Nobody else has embeddings of this model to search.
async fn forget(database: &Client) -> anyhow::Result<()> {
    let delete = "DELETE FROM message_embeddings WHERE model = $1";
    database.execute(delete, &[&embedder::MODEL]).await?;
    Ok(database.batch_execute("VACUUM message_embeddings").await?)
}
