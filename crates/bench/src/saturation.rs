//! How many calls a second there can be, with as many callers as are best for each side.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    bare,
    cases::{self, Case, messages::PAGE},
    context::Context,
    measured::{Measured, Spread},
    replay::Script,
    report::{Report, Row},
    suite::Sides,
};

pub(crate) const NAME: &str = "list_messages_20_throughput";
const CALLERS: [usize; 4] = [4, 8, 16, 32];
const AT_MOST: f64 = 2.2;

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(NAME, Some(AT_MOST))]
}

/// Returns how many calls the product can do.
pub(crate) async fn measure(
    context: &Context,
    script: &Arc<Script>,
    report: &mut Report,
) -> anyhow::Result<f64> {
    let page: Arc<dyn Case> = Arc::new(PAGE);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for callers in CALLERS {
        let case = cases::with_callers(&page, callers);
        let bare = bare::callers(&context.setup, &context.data, &case, script).await?;
        let mut sides = Sides::of(context, &case, Some(bare));
        sides.measure(context.plan).await?;
        report.cases.push(sides.figures());
        ours.push(sides.product.measured);
        theirs.extend(sides.bare.map(|side| side.measured));
    }
    let (ours, theirs) = (best(&ours)?, best(&theirs)?);
    let told = format!("best with {} callers, the bare loop with {}", ours.callers, theirs.callers);
    report.say(NAME, told);
    report.rows.push(Row::new(NAME, Some(over(theirs.rate, ours.rate)), Some(AT_MOST)));
    Ok(ours.rate.median)
}

/// Calls a second, and how many callers made them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Best {
    callers: usize,
    rate: Spread,
}

/// Of a side, by the number of callers.
fn best(measured: &[Measured]) -> anyhow::Result<Best> {
    let rates = CALLERS.iter().zip(measured);
    let rates = rates.map(|(&callers, it)| Best { callers, rate: it.rate() });
    let by_rate = |a: &Best, b: &Best| a.rate.median.total_cmp(&b.rate.median);
    rates.max_by(by_rate).context("nothing was measured")
}

/// Of rounds that were not in turn, so that none belongs to one of the other's.
fn over(one: Spread, other: Spread) -> Spread {
    Spread { median: one.median / other.median, min: one.min / other.max, max: one.max / other.min }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        cpu::Parts,
        measured::{Latencies, Round},
    };

    fn measured(calls: impl IntoIterator<Item = u64>) -> Measured {
        let rounds = calls.into_iter().map(|calls| Round {
            calls,
            elapsed: Duration::from_secs(1),
            latencies: Latencies::new(3).unwrap(),
            cpu: Parts::default(),
        });
        Measured { rounds: rounds.collect() }
    }

    #[test]
    fn the_best_is_that_with_the_highest_median_whatever_its_best_round() {
        let all = [measured([10, 20, 30]), measured([25, 26, 27]), measured([1, 2, 99])];

        let rate = Spread { median: 26.0, min: 25.0, max: 27.0 };
        assert_eq!(best(&all).unwrap(), Best { callers: 8, rate });
    }

    #[test]
    fn the_sides_bests_are_as_far_apart_as_any_of_their_rounds() {
        let [theirs, ours] = [[40.0, 60.0, 80.0], [10.0, 30.0, 20.0]].map(Spread::of);

        assert_eq!(over(theirs, ours), Spread { median: 3.0, min: 40.0 / 30.0, max: 8.0 });
    }

    #[test]
    fn of_nothing_there_is_no_best() {
        assert_eq!(best(&[]).unwrap_err().to_string(), "nothing was measured");
    }
}
