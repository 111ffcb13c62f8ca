//! How many calls a second there can be, with as many callers as are best for each side.

use std::sync::Arc;

use anyhow::Context as _;

use crate::{
    bare,
    cases::{self, Case, messages::PAGE},
    context::Context,
    measured::{Measured, Round, ratio},
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
    let (ours, theirs) = (best(ours)?, best(theirs)?);
    let ratio = ratio(&theirs, &ours, Round::rate);
    report.rows.push(Row::new(NAME, Some(ratio), Some(AT_MOST)));
    Ok(ours.rate().median)
}

fn best(measured: Vec<Measured>) -> anyhow::Result<Measured> {
    let by_rate = |a: &Measured, b: &Measured| a.rate().median.total_cmp(&b.rate().median);
    measured.into_iter().max_by(by_rate).context("nothing was measured")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{cpu::Parts, measured::Latencies};

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
        let all = vec![measured([10, 20, 30]), measured([25, 26, 27]), measured([1, 2, 99])];

        assert_eq!(best(all).unwrap().rate().median, 26.0);
    }

    #[test]
    fn of_nothing_there_is_no_best() {
        assert_eq!(best(Vec::new()).unwrap_err().to_string(), "nothing was measured");
    }
}
