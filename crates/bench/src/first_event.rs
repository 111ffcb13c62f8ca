//! How long the first event of a run takes, from when it is asked for, while the run goes on. That
//! is the run's present state, which the service sends before it replays what has happened.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use proto::v1::{StartRunRequest, WatchRunRequest};

use crate::{
    cases::{
        Case as _, Subject, Turn,
        runs::{InFlight, RunToEnd, Who},
    },
    context::Context,
    measured::{Latencies, Spread},
    report::{Report, Row},
};

pub(crate) const NAME: &str = "watch_run_first_event";
const QUANTILES: [(&str, f64); 2] = [("p50_ms", 0.5), ("p99_ms", 0.99)];

pub(crate) fn unmeasured() -> Vec<Row> {
    QUANTILES.map(|(name, _)| Row::unmeasured(format!("{NAME}_{name}"), None)).into()
}

/// One run after the other, each watched as soon as it is started. Compared with nothing.
pub(crate) async fn measure(context: &Context, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let case = RunToEnd { in_flight: InFlight::One, who: Who::Product };
    let asked = case.pick(&context.data, &mut Turn::of(0));
    round(context, &asked, context.plan.warm_up).await?;
    let mut rounds = Vec::new();
    for _ in 0..context.plan.rounds {
        rounds.push(round(context, &asked, context.plan.round).await?);
    }
    for (name, quantile) in QUANTILES {
        let ms = rounds.iter().map(|round| round.value_at_quantile(quantile) as f64 / 1e6);
        report.rows.push(Row::new(format!("{NAME}_{name}"), Some(Spread::of(ms)), None));
    }
    Ok(())
}

async fn round(context: &Context, asked: &Subject, length: Duration) -> anyhow::Result<Latencies> {
    let began = Instant::now();
    let mut latencies = Latencies::new(3)?;
    while began.elapsed() < length {
        let run_id = start(context, asked).await?;
        latencies.record(first_event(context, asked, run_id).await?.as_nanos() as u64)?;
    }
    Ok(latencies)
}

async fn start(context: &Context, asked: &Subject) -> anyhow::Result<i64> {
    let message = StartRunRequest {
        session_id: asked.session_id,
        question: asked.text.clone(),
        ..Default::default()
    };
    let request = context.clients.request(asked.user_id, message)?;
    let response = context.clients.runs().start_run(request).await?.into_inner();
    Ok(response.run.context("no run in the response")?.id)
}

/// Waits for the last event too: the session has one run at a time.
async fn first_event(context: &Context, asked: &Subject, run_id: i64) -> anyhow::Result<Duration> {
    let message = WatchRunRequest { run_id, after_event_id: 0 };
    let request = context.clients.request(asked.user_id, message)?;
    let began = Instant::now();
    let mut events = context.clients.runs().watch_run(request).await?.into_inner();
    let first = events.message().await?.context("the stream has no event")?;
    let took = began.elapsed();
    ensure!(first.event.is_some(), "the first event is empty");
    while events.message().await?.is_some() {}
    Ok(took)
}
