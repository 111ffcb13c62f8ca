//! Hearing that a run's end was asked for.

use std::time::Duration;

use async_nats::Client;
use bootstrap::report;
use run_queue::{CancelRequests, Listeners, Names};
use tokio::time;

const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(1);

/// Passes on to the attempts of this worker which runs are to be cancelled. What is
/// lost on the way they find out when they renew their claims.
pub(crate) async fn hear(attempts: Listeners<()>, client: Client, names: Names) {
    loop {
        match CancelRequests::subscribe(&client, &names).await {
            Ok(mut requests) => {
                while let Some(run_id) = requests.next().await {
                    attempts.announce(run_id, ());
                }
            }
            Err(error) => tracing::error!(error = %report(&error), "cancels can't be heard"),
        }
        time::sleep(SUBSCRIBE_AGAIN).await;
    }
}
