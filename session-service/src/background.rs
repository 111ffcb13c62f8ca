//! What goes on beside the server for as long as the service does.

use std::future;

use anyhow::bail;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Waits for the first of these tasks to end. Before the shutdown that means that
/// something in it panicked, and the service must not go on without.
pub async fn first_to_end(
    mut tasks: JoinSet<()>,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let ended = tasks.join_next().await;
    if shutdown.is_cancelled() {
        future::pending::<()>().await;
    }
    // What a panic says may be what people have said.
    let panicked = ended.is_some_and(|it| it.is_err());
    bail!("a task in the background has {}", if panicked { "panicked" } else { "ended" })
}
