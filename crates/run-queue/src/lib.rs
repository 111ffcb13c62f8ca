//! The NATS contract between the session service and the run workers: names,
//! streams, consumer and payloads. The queue only wakes up, and the log only
//! tells; what there is to do and what has come of it is said by Postgres.

mod announcements;
pub mod cancel_requests;
mod connection;
pub mod dead_letter;
pub mod delivery;
pub mod ended;
pub mod events;
mod listeners;
mod names;
mod probe;
pub mod publisher;
mod rights;
pub mod streams;
mod usage;

pub use cancel_requests::CancelRequests;
pub use connection::ConnectionUse;
pub use dead_letter::DeadLetter;
pub use delivery::{Deliveries, Delivery};
pub use ended::EndedRuns;
pub use listeners::{Lagged, Listener, Listeners};
pub use names::Names;
pub use probe::Probe;
pub use publisher::Publisher;
pub use rights::{Rights, Service};
pub use streams::Streams;
pub use usage::StreamUse;

use std::{io, time::Duration};

use async_nats::{Client, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

/// How long the server waits for progress before it delivers a message again.
pub const ACK_WAIT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("the URL is not one of a NATS server")]
    Url(#[source] io::Error),
    #[error("NATS can't be connected to")]
    Connect(#[from] async_nats::ConnectError),
}

/// Connects a service to NATS, with the user and password, or the token, of the URL; replies come
/// to an inbox of its own. If the server can't be reached, this returns all the same, and the
/// client goes on trying.
pub async fn connect_as(
    service: Service,
    url: &str,
    names: &Names,
) -> Result<Client, ConnectError> {
    let address = url.parse().map_err(ConnectError::Url)?;
    let options = options(&address, service.name()).custom_inbox_prefix(names.inbox_of(service));
    Ok(options.connect(address).await?)
}

/// The same for others, whose replies come to the inbox of all.
pub async fn connect(url: &str, name: &str) -> Result<Client, ConnectError> {
    let address = url.parse().map_err(ConnectError::Url)?;
    Ok(options(&address, name).connect(address).await?)
}

fn options(address: &ServerAddr, name: &str) -> ConnectOptions {
    let options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .connection_timeout(Duration::from_secs(5))
        // Two that are not answered end a connection.
        .ping_interval(Duration::from_secs(10))
        .reconnect_delay_callback(|attempts| {
            Duration::from_millis(100 * attempts as u64).min(Duration::from_secs(1))
        });
    // The client itself leaves those of the URL unused.
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
    match (address.username(), address.password()) {
        (Some(user), Some(password)) => options.user_and_password(decoded(user), decoded(password)),
        (Some(token), None) => options.token(decoded(token)),
        (None, _) => options,
    }
}
