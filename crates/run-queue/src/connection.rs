//! What the client knows of its connection by itself, without a word to the
//! server.

use std::{sync::atomic::Ordering, time::Duration};

use async_nats::{Client, connection::State};
use tokio::time;

/// How soon a change is noticed.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A client's connection, as the client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionUse {
    pub is_connected: bool,
    /// How many it has made, one after the other.
    pub connections: u64,
}

impl ConnectionUse {
    pub fn of(client: &Client) -> Self {
        Self { is_connected: is_connected(client), connections: number(client) }
    }
}

pub(crate) fn is_connected(client: &Client) -> bool {
    client.connection_state() == State::Connected
}

/// One of the connections that a client makes, one after the other.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    number: u64,
}

impl Connection {
    /// Waits until there is one.
    pub(crate) async fn of(client: &Client) -> Self {
        while !is_connected(client) {
            time::sleep(LOOK_AGAIN).await;
        }
        Self { client: client.clone(), number: number(client) }
    }

    /// Waits until it is lost, though there may be another one by then.
    pub(crate) async fn lost(&self) {
        while is_connected(&self.client) && number(&self.client) == self.number {
            time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn number(client: &Client) -> u64 {
    client.statistics().connects.load(Ordering::Relaxed)
}
