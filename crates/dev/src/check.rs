//! `cargo dev check`: suites that need more than Rust, most against a stack of their own.

mod browser;
mod clients;
mod drills;
mod images;
mod k8s;
mod monitoring;
mod python;
pub(crate) mod stack;
mod upgrade;

use anyhow::bail;
use clap::{Args, ValueEnum};

use crate::up::asked_to_end;

#[derive(Debug, Args)]
pub(crate) struct Options {
    suite: Suite,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suite {
    /// A page in Chromium that calls the service, directly and through Envoy
    Browser,
    /// Python clients, a health probe, and every command that the documents show
    Clients,
    /// What operators go through, on a stack of its own: a pooler before Postgres
    Drills,
    /// The images, built from the Dockerfile, and the pair started from them as compose.yaml says
    Images,
    /// The Kubernetes manifests: their schemas, their rights, and their NATS servers
    K8s,
    /// The release before, on the schema of this one
    Upgrade,
    /// The alerts and the dashboard, in a Prometheus that scrapes a stack
    Monitoring,
}

pub(crate) async fn check(options: &Options) -> anyhow::Result<()> {
    match options.suite {
        Suite::Browser => browser::check().await,
        Suite::Clients => clients::check().await,
        Suite::Drills => drills::check().await,
        Suite::Images => unless_interrupted(images::check()).await,
        Suite::K8s => unless_interrupted(k8s::check()).await,
        Suite::Upgrade => unless_interrupted(Box::pin(upgrade::check())).await,
        Suite::Monitoring => monitoring::check().await,
    }
}

/// Fails when the user asks for the end before the work is done.
pub(crate) async fn unless_interrupted<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        result = work => result,
        asked = asked_to_end() => asked.and_then(|()| bail!("interrupted")),
    }
}
