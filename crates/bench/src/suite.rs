//! A case from its callers to its figures.

use std::sync::Arc;

use crate::{
    cases::{Case, Turn},
    clients,
    context::{Context, Plan},
    cpu::Pids,
    echo::EchoCaller,
    load::Callers,
    measure::{Side, in_turn},
    measured::{Round, Spread, cpu_ratio, ratio},
    product::Product,
    report::{CaseFigures, Figure, Figures, Row},
};

/// The sides of one case.
pub(crate) struct Sides {
    pub(crate) case: Arc<dyn Case>,
    pub(crate) product: Side,
    pub(crate) bare: Option<Side>,
    pub(crate) echo: Option<Side>,
}

impl Sides {
    pub(crate) fn of(context: &Context, case: &Arc<dyn Case>, bare: Option<Callers>) -> Self {
        let product = Product::of(context, case);
        let side = |callers| Side::new(callers, context.pids());
        Self {
            case: Arc::clone(case),
            product: side(product.callers(case.callers())),
            bare: bare.map(|callers| side(callers).without(context.pair.pids())),
            echo: None,
        }
    }

    /// With messages of the same sizes that are only carried.
    pub(crate) async fn with_echo(self, context: &Context) -> anyhow::Result<Self> {
        let pids = Pids { service: context.echo.pid()?, ..context.pids() };
        let callers = echo_callers(context, self.case.as_ref()).await?;
        let echo = Side::new(callers, pids).without(context.pair.pids());
        Ok(Self { echo: Some(echo), ..self })
    }

    /// Measures all sides, in turn.
    pub(crate) async fn measure(&mut self, plan: Plan) -> anyhow::Result<()> {
        in_turn(&mut self.all().collect::<Vec<_>>(), plan).await
    }

    /// In the order in which they take their turns.
    fn all(&mut self) -> impl Iterator<Item = &mut Side> {
        [Some(&mut self.product), self.bare.as_mut(), self.echo.as_mut()].into_iter().flatten()
    }

    pub(crate) fn figures(&self) -> CaseFigures {
        CaseFigures {
            case: self.case.name().to_owned(),
            callers: self.case.callers(),
            product: Some(Figures::of(&self.product.measured)),
            bare: self.bare.as_ref().map(|side| Figures::of(&side.measured)),
            echo: self.echo.as_ref().map(|side| Figures::of(&side.measured)),
        }
    }

    /// What the product's figures are of the bare loop's: its CPU in any case, and what
    /// else has a bound.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let wanted = wanted(self.case.as_ref());
        wanted.map(|(figure, row)| Row { ratio: self.ratio(figure), ..row }).collect()
    }

    fn ratio(&self, figure: Figure) -> Option<Spread> {
        let (ours, bare) = (&self.product.measured, &self.bare.as_ref()?.measured);
        Some(match figure {
            Figure::Cpu => cpu_ratio(ours, bare),
            Figure::Rate => ratio(bare, ours, Round::rate),
            Figure::P50 => ratio(ours, bare, |round| round.latency_ms(0.5)),
        })
    }
}

/// The rows of a case that was not measured.
pub(crate) fn unmeasured(case: &dyn Case) -> Vec<Row> {
    wanted(case).map(|(_, row)| row).collect()
}

/// What is to be said of a case.
fn wanted(case: &dyn Case) -> impl Iterator<Item = (Figure, Row)> {
    [Figure::Cpu, Figure::Rate, Figure::P50].into_iter().filter_map(|figure| {
        let target = case.targets().iter().find(|it| it.figure == figure).map(|it| it.at_most);
        let name = format!("{}_{}", case.name(), figure.name());
        let is_wanted = figure == Figure::Cpu || target.is_some();
        is_wanted.then(|| (figure, Row::unmeasured(name, target)))
    })
}

/// Callers for messages as large as those of a call of the case.
async fn echo_callers(context: &Context, case: &dyn Case) -> anyhow::Result<Callers> {
    let subject = case.pick(&context.data, &mut Turn::of(0));
    let exchange = case.call(&context.clients, &subject).await?;
    let mut callers: Callers = Vec::new();
    let mut connections = Vec::new();
    for _ in 0..clients::CONNECTIONS {
        connections.push(context.echo.connect().await?);
    }
    for connection in connections.iter().cycle().take(case.callers()) {
        callers.push(Box::new(EchoCaller::new(connection.clone(), exchange)));
    }
    Ok(callers)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::{
        cases::Subject,
        clients::Clients,
        cpu::Parts,
        data::Data,
        measured::{Latencies, Measured},
        replay::Inputs,
        report::Target,
    };

    /// One that is never called.
    struct Named(&'static [Target]);

    #[async_trait]
    impl Case for Named {
        fn name(&self) -> &'static str {
            "named"
        }

        fn targets(&self) -> &'static [Target] {
            self.0
        }

        fn pick(&self, _: &Data, _: &mut Turn) -> Subject {
            Subject::default()
        }

        fn inputs(&self, _: &Subject) -> Inputs {
            Inputs::default()
        }

        async fn call(&self, _: &Clients, _: &Subject) -> anyhow::Result<crate::cases::Exchange> {
            anyhow::bail!("nobody is there")
        }
    }

    /// One round of 100 calls a second, each of so many milliseconds.
    fn side(latency_ms: u64, cpu: Parts<Duration>) -> Side {
        let mut latencies = Latencies::new(3).unwrap();
        latencies.record_n(latency_ms * 1_000_000, 100).unwrap();
        let elapsed = Duration::from_millis(100 * latency_ms);
        let pids = Pids { service: 0, worker: 0, postgres: 0, nats: 0 };
        let mut side = Side::new(Vec::new(), pids);
        side.measured = Measured { rounds: vec![Round { calls: 100, elapsed, latencies, cpu }] };
        side
    }

    fn rows(targets: &'static [Target], bare: Option<Side>) -> Vec<(String, Option<f64>)> {
        let ms = Duration::from_millis;
        let cpu = Parts {
            service: ms(30),
            worker: ms(20),
            postgres: ms(40),
            client: ms(900),
            nats: ms(10),
        };
        let case: Arc<dyn Case> = Arc::new(Named(targets));
        let sides = Sides { case, product: side(6, cpu), bare, echo: None };
        let rounded = |it: Spread| (it.median * 100.0).round() / 100.0;
        sides.rows().into_iter().map(|it| (it.case, it.ratio.map(rounded))).collect()
    }

    fn bare() -> Option<Side> {
        let ms = Duration::from_millis;
        let cpu = Parts { client: ms(10), postgres: ms(25), nats: ms(5), ..Parts::default() };
        Some(side(2, cpu))
    }

    #[test]
    fn a_case_without_bounds_tells_its_cpu_over_the_bare_loops_without_that_of_its_callers() {
        assert_eq!(rows(&[], bare()), [("named_cpu".to_owned(), Some(2.5))]);
    }

    #[test]
    fn each_figure_that_has_a_bound_is_told_in_the_same_order() {
        const P50: Target = Target { figure: Figure::P50, at_most: 3.0 };
        const RATE: Target = Target { figure: Figure::Rate, at_most: 2.2 };

        let rows = rows(&[P50, RATE], bare());

        let expected = [("named_cpu", 2.5), ("named_rate", 3.0), ("named_p50", 3.0)];
        assert_eq!(rows, expected.map(|(name, ratio)| (name.to_owned(), Some(ratio))));
    }

    #[test]
    fn without_a_bare_loop_there_is_no_ratio() {
        assert_eq!(rows(&[], None), [("named_cpu".to_owned(), None)]);
    }

    #[test]
    fn a_case_that_was_not_measured_has_the_rows_that_it_would_have() {
        const CPU: Target = Target { figure: Figure::Cpu, at_most: 2.0 };

        let rows = unmeasured(&Named(&[CPU]));

        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((row.case.as_str(), row.ratio, row.target), ("named_cpu", None, Some(2.0)));
    }
}
