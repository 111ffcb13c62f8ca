//! Latency over load: calls that come at a fixed rate, which is a part of what the case
//! can do at most.

use std::sync::Arc;

use crate::{
    cases::Case,
    context::Context,
    cpu::Parts,
    load::open::{self, Schedule},
    measured::{Measured, Round},
    product::Product,
    report::{Curve, Point},
};

/// Parts of what a case can do.
const LOADS: [f64; 4] = [0.25, 0.5, 0.75, 0.9];
/// More calls are not in flight; those that are due then wait, and their latency counts.
const CALLERS: usize = 64;

/// Measures a case that can do so many calls a second.
pub(crate) async fn measure(
    context: &Context,
    case: &Arc<dyn Case>,
    saturation: f64,
) -> anyhow::Result<Curve> {
    let mut points = Vec::new();
    for load in LOADS {
        points.push(point(context, case, load, saturation).await?);
    }
    Ok(Curve { case: case.name().to_owned(), points })
}

async fn point(
    context: &Context,
    case: &Arc<dyn Case>,
    load: f64,
    saturation: f64,
) -> anyhow::Result<Point> {
    let mut callers = Product::of(context, case).callers(CALLERS);
    let rate = load * saturation;
    open::run(&mut callers, Schedule { rate, length: context.plan.warm_up }).await?;
    let (mut measured, mut unsent) = (Measured::default(), 0);
    for _ in 0..context.plan.rounds {
        let schedule = Schedule { rate, length: context.plan.round };
        let outcome = open::run(&mut callers, schedule).await?;
        unsent += outcome.unsent;
        let calls = outcome.answered();
        let (elapsed, latencies) = (outcome.elapsed, outcome.latencies);
        measured.rounds.push(Round { calls, elapsed, latencies, cpu: Parts::default() });
    }
    Ok(Point {
        load,
        offered: rate,
        rate: measured.rate(),
        unsent,
        p50_ms: measured.latency_ms(0.5),
        p90_ms: measured.latency_ms(0.9),
        p99_ms: measured.latency_ms(0.99),
    })
}
