//! What JetStream takes by itself: a bare loop that publishes wake-ups, fetches and acknowledges
//! them, and does nothing else.

use crate::{
    bare::wake_ups,
    context::Context,
    measure::{Side, in_turn},
    measured::{Round, Spread},
    report::{CaseFigures, Figures, Report, Row},
};

pub(crate) const NAME: &str = "jetstream";
/// As many as runs are in flight.
const CALLERS: usize = 16;

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(row_name(), None)]
}

fn row_name() -> String {
    format!("{NAME}_cpu_us")
}

/// Of wake-ups of so many bytes.
pub(crate) async fn measure(
    context: &Context,
    bytes: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let callers = wake_ups::callers(&context.setup, bytes, CALLERS).await?;
    let mut bare = Side::new(callers, context.pids()).without(context.pair.pids());
    in_turn(&mut [&mut bare], context.plan).await?;
    let cpu = bare.measured.rounds.iter().map(of_message);
    report.rows.push(Row::new(row_name(), Some(Spread::of(cpu)), None));
    report.cases.push(CaseFigures {
        case: NAME.to_owned(),
        callers: CALLERS,
        product: None,
        bare: Some(Figures::of(&bare.measured)),
        echo: None,
    });
    Ok(())
}

/// Microseconds of CPU a message, without Postgres, which has no part in it.
fn of_message(round: &Round) -> f64 {
    let cpu = round.cpu_us_by_part();
    cpu.nats + cpu.client
}
