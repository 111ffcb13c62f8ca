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
        let product = Product {
            case: Arc::clone(case),
            clients: Arc::clone(&context.clients),
            data: Arc::clone(&context.data),
        };
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
            product: Figures::of(&self.product.measured),
            bare: self.bare.as_ref().map(|side| Figures::of(&side.measured)),
            echo: self.echo.as_ref().map(|side| Figures::of(&side.measured)),
        }
    }

    /// What the product's figures are of the bare loop's: its CPU in any case, and what
    /// else has a bound.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let targets = self.case.targets();
        let figures = [Figure::Cpu, Figure::Rate, Figure::P50].into_iter();
        let wanted = figures.filter_map(|figure| {
            let target = targets.iter().find(|it| it.figure == figure).map(|it| it.at_most);
            (figure == Figure::Cpu || target.is_some()).then_some((figure, target))
        });
        wanted
            .map(|(figure, target)| {
                let case = format!("{}_{}", self.case.name(), figure.name());
                Row::new(case, self.ratio(figure), target)
            })
            .collect()
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

/// Callers for messages as large as those of a call of the case.
async fn echo_callers(context: &Context, case: &dyn Case) -> anyhow::Result<Callers> {
    let subject = case.pick(&context.data, &mut Turn::of(0));
    let exchange = case.call(&context.clients, &subject).await?;
    let mut callers: Callers = Vec::new();
    let mut channels = Vec::new();
    for _ in 0..clients::CONNECTIONS {
        channels.push(context.echo.connect().await?);
    }
    for channel in channels.iter().cycle().take(case.callers()) {
        callers.push(Box::new(EchoCaller::new(channel.clone(), exchange)));
    }
    Ok(callers)
}
