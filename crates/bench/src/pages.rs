//! A conversation's last page against its first: both of the longest conversation, one call
//! at a time.

use std::sync::Arc;

use crate::{
    cases::{
        Case,
        messages::{FIRST, LAST},
    },
    context::Context,
    measure::in_turn,
    measured::ratio,
    report::{Report, Row},
    suite::Sides,
};

pub(crate) const NAME: &str = "list_messages_page_2500";
const AT_MOST: f64 = 1.1;

pub(crate) fn unmeasured() -> Vec<Row> {
    vec![Row::unmeasured(format!("{NAME}_p50"), Some(AT_MOST))]
}

/// In the same rounds, for what is compared is small.
pub(crate) async fn measure(context: &Context, report: &mut Report) -> anyhow::Result<()> {
    eprintln!("measuring {NAME} ...");
    let [first, last]: [Arc<dyn Case>; 2] = [Arc::new(FIRST), Arc::new(LAST)];
    let mut first = Sides::of(context, &first, None);
    let mut last = Sides::of(context, &last, None);
    let mut sides: Vec<_> = [&mut first.product, &mut last.product].into();
    in_turn(&mut sides, context.plan).await?;
    let p50 = ratio(&last.product.measured, &first.product.measured, |it| it.latency_ms(0.5));
    report.cases.extend([first.figures(), last.figures()]);
    report.rows.push(Row::new(format!("{NAME}_p50"), Some(p50), Some(AT_MOST)));
    Ok(())
}
