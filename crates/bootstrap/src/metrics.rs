//! What the process measures, for Prometheus. docs/metrics.md has all of it.

mod ends;
mod process;

use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tokio::time;

pub use ends::{End, register_ends, run_ended};
pub use process::Process;

/// How often what was measured is gathered into the histograms.
const GATHER_EVERY: Duration = Duration::from_secs(5);

/// Histograms: their names, and the upper bounds of their buckets.
pub type Histograms<'a> = &'a [(&'a str, &'a [f64])];

/// Shows what was measured.
#[derive(Clone, Debug)]
pub struct Exporter {
    recorder: PrometheusHandle,
    process: Collector,
}

impl Exporter {
    /// What a recorder keeps, and what the process uses.
    pub fn of(recorder: PrometheusHandle) -> Self {
        let process = Collector::default();
        process.describe();
        Self { recorder, process }
    }

    /// In Prometheus' text format.
    pub fn render(&self) -> String {
        self.process.collect();
        self.recorder.render()
    }
}

/// Has everything that is measured from now on kept for the admin port. What was
/// measured before is lost.
pub fn install(service: &'static str, histograms: &[Histograms<'_>]) -> anyhow::Result<Exporter> {
    let mut builder = PrometheusBuilder::new();
    let all = histograms.iter().chain([&ends::HISTOGRAMS, &model::metrics::HISTOGRAMS]);
    for (name, bounds) in all.copied().flatten() {
        let name = Matcher::Full((*name).to_owned());
        builder = builder.set_buckets_for_metric(name, bounds).context("a histogram's buckets")?;
    }
    let recorder = builder.install_recorder().context("setting up the metrics")?;
    let exporter = Exporter::of(recorder.clone());
    process::register(service);
    tokio::spawn(async move {
        loop {
            time::sleep(GATHER_EVERY).await;
            recorder.run_upkeep();
        }
    });
    Ok(exporter)
}
