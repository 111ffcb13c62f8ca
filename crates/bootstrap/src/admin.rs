//! The port for operators: whether the process lives, whether it can do its work, and
//! its metrics. It is not meant for callers, and tells nothing about them.

use std::net::SocketAddr;

use anyhow::Context as _;
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use clap::Args;
use tokio::net::TcpListener;

use crate::{
    metrics::Exporter,
    readiness::{Condition, Readiness},
};

#[derive(Clone, Debug, Args)]
pub struct Admin {
    /// Where to answer probes (`/livez`, `/readyz`) and to show metrics (`/metrics`)
    #[arg(long, env, default_value = "0.0.0.0:9090")]
    pub admin_addr: SocketAddr,
}

impl Admin {
    /// Listens from now on, for as long as the process lives.
    pub async fn serve(
        &self,
        readiness: Readiness,
        metrics: Exporter,
    ) -> anyhow::Result<SocketAddr> {
        let listener = TcpListener::bind(self.admin_addr)
            .await
            .with_context(|| format!("ADMIN_ADDR: listening on {}", self.admin_addr))?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "probes and metrics are served");
        tokio::spawn(async move { axum::serve(listener, router(readiness, metrics)).await });
        Ok(address)
    }
}

fn router(readiness: Readiness, metrics: Exporter) -> Router {
    Router::new()
        // That it answers is the answer.
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(async move || metrics.render()))
}

async fn ready(State(readiness): State<Readiness>) -> (StatusCode, Json<Condition>) {
    let condition = readiness.now();
    let status =
        if condition.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(condition))
}
