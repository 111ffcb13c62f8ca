//! What both services do before their own work starts.

mod connections;
mod report;
mod secret;

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

pub use connections::{Connected, Connections};
pub use report::report;
pub use secret::Secret;

/// Sends logs to standard output as JSON, at the levels that `RUST_LOG` asks for.
pub fn init_logging() {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into());
    tracing_subscriber::fmt().json().with_env_filter(filter.from_env_lossy()).init();
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
