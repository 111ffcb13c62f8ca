//! What the process measures, for Prometheus.

use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::time;

/// How often what was measured is gathered into the histograms.
const GATHER_EVERY: Duration = Duration::from_secs(5);

/// Has everything that is measured from now on kept for the admin port.
pub fn install(service: &'static str) -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new();
    let handle = recorder.install_recorder().context("setting up the metrics")?;
    let version = env!("CARGO_PKG_VERSION");
    metrics::gauge!("tertulia_build_info", "service" => service, "version" => version).set(1);
    tokio::spawn({
        let handle = handle.clone();
        async move {
            loop {
                time::sleep(GATHER_EVERY).await;
                handle.run_upkeep();
            }
        }
    });
    Ok(handle)
}
