//! The JetStream contract between the session service and the run workers:
//! names, stream, consumer and payloads. The queue only wakes up; what there is
//! to do is said by Postgres.

pub mod delivery;
pub mod ended;
mod names;
pub mod publisher;

pub use delivery::{Deliveries, Delivery};
pub use names::Names;
pub use publisher::Publisher;

use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectOptions};

/// How long the server waits for progress before it delivers a message again.
pub const ACK_WAIT: Duration = Duration::from_secs(30);

/// Connects to NATS. If the server can't be reached, this returns all the same,
/// and the client goes on trying.
pub async fn connect(url: &str, name: &str) -> Result<Client, ConnectError> {
    ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .connection_timeout(Duration::from_secs(5))
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(100 * attempts as u64).min(Duration::from_secs(1))
        })
        .connect(url)
        .await
}
