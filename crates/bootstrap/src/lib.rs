//! What both services do before their own work starts.

mod admin;
mod connections;
pub mod health;
pub mod metrics;
mod model_settings;
mod readiness;
mod report;
mod secret;
mod secret_files;
mod telemetry;
mod waiting;

use std::{io, time::Duration};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

pub use admin::Admin;
pub use connections::{Connected, Connections, check_database_url, sealer};
pub use model_settings::ModelSettings;
pub use readiness::{Condition, Dependencies, Readiness};
pub use report::report;
pub use secret::Secret;
pub use secret_files::arguments;
pub use telemetry::{Log, Telemetry};

/// How long what can't be cancelled, a look-up of a host for example, may hold the
/// process at its end.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a service to its end; what it tells about itself is told under its name.
pub fn run(
    name: &str,
    telemetry: &Telemetry,
    service: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime")?;
    let served = runtime.block_on(async {
        let exporting = telemetry::begin(name, telemetry)?;
        telemetry::panics::log();
        let served = Box::pin(service).await;
        if let Some(exporting) = exporting {
            exporting.finish().await;
        }
        served
    });
    runtime.shutdown_timeout(FAREWELL);
    served
}

/// Returns a token that is cancelled once the process is asked to stop.
pub fn shutdown_token() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();

    tokio::spawn({
        let token = token.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = interrupt.recv() => (),
            }
            tracing::info!("stopping");
            token.cancel();
        }
    });
    Ok(token)
}
