//! What is said at the end.

mod json;
mod picture;
pub(crate) mod results;
mod table;

use serde::Serialize;

use crate::{
    cpu::Parts,
    measured::{Measured, Spread},
};

/// A figure that has a bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) figure: Figure,
    pub(crate) at_most: f64,
}

/// What is compared with the bare loop in the same rounds; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Our CPU a call over the bare loop's.
    Cpu,
    /// The bare loop's rate over ours.
    Rate,
    /// Our median latency over the bare loop's.
    P50,
}

impl Figure {
    /// As in the results, behind the case's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Rate => "rate",
            Self::P50 => "p50",
        }
    }
}

/// One line of the results: a figure, and whether it keeps to its bound.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) case: String,
    /// Less is better; absent if there is nothing to compare with.
    pub(crate) ratio: Option<Spread>,
    pub(crate) target: Option<f64>,
    /// Why there is no figure.
    pub(crate) error: Option<String>,
}

/// What a kind of call gave, to the product or without it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    /// A second.
    pub(crate) rate: Spread,
    pub p50_ms: Spread,
    pub p90_ms: Spread,
    pub p99_ms: Spread,
    pub(crate) cpu_us: Parts<Spread>,
}

/// A case with everything that was measured of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CaseFigures {
    pub(crate) case: String,
    pub(crate) callers: usize,
    pub(crate) product: Option<Figures>,
    pub(crate) bare: Option<Figures>,
    pub(crate) echo: Option<Figures>,
}

/// Latency of a case over the load that is put on it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Curve {
    pub(crate) case: String,
    pub(crate) points: Vec<Point>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Point {
    /// Which part of what the case can do at most, from 0 to 1.
    pub(crate) load: f64,
    /// Calls a second that were to be sent.
    pub(crate) offered: f64,
    /// Calls a second that were answered.
    pub(crate) rate: Spread,
    /// Calls that were due and not sent, for too many were in flight. The latencies have how
    /// long they had waited by then.
    pub(crate) unsent: u64,
    pub p50_ms: Spread,
    pub p90_ms: Spread,
    pub p99_ms: Spread,
}

/// Everything that is said.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// What influences the results: name and value, in order.
    pub(crate) about: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) cases: Vec<CaseFigures>,
    pub(crate) curves: Vec<Curve>,
    /// What could not be measured, and why.
    pub(crate) failures: Vec<String>,
    /// Whether nothing that was asked for is yet to be tried.
    pub(crate) is_complete: bool,
}

impl Report {
    /// Has the rows say that there is no figure, but for those that have one.
    fn fail(&mut self, what: &str, rows: Vec<Row>, error: &anyhow::Error) {
        let error = format!("{error:#}");
        for row in rows {
            if !self.rows.iter().any(|it| it.case == row.case) {
                self.rows.push(Row { ratio: None, error: Some(error.clone()), ..row });
            }
        }
        self.failures.push(format!("{what}: {error}"));
    }

    /// Adds to what influences the results.
    pub(crate) fn say(&mut self, name: &str, value: impl Into<String>) {
        self.about.push((name.to_owned(), value.into()));
    }
}

impl Figures {
    pub(crate) fn of(measured: &Measured) -> Self {
        Self {
            rate: measured.rate(),
            p50_ms: measured.latency_ms(0.5),
            p90_ms: measured.latency_ms(0.9),
            p99_ms: measured.latency_ms(0.99),
            cpu_us: measured.cpu_us(),
        }
    }
}

impl Row {
    pub(crate) fn new(case: impl Into<String>, ratio: Option<Spread>, target: Option<f64>) -> Self {
        Self { case: case.into(), ratio, target, error: None }
    }

    /// What is to be measured, and was not yet.
    pub(crate) fn unmeasured(case: impl Into<String>, target: Option<f64>) -> Self {
        Self::new(case, None, target)
    }

    /// Without a bound, anything is that has not failed; without a figure, nothing.
    pub(crate) fn is_ok(&self) -> bool {
        let keeps = |target| self.ratio.is_some_and(|ratio| ratio.median <= target);
        self.error.is_none() && self.target.is_none_or(keeps)
    }
}
