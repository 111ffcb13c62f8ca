//! Who is not let in.

use std::sync::LazyLock;

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const REFUSALS: &str = "tertulia_door_refusals_total";
const CONNECTIONS: &str = "tertulia_connections_open";

const BY: [&str; 5] = ["rate", "places", "turns", "strangers", "connections"];

static REFUSED: LazyLock<[Counter; BY.len()]> =
    LazyLock::new(|| BY.map(|by| counter!(REFUSALS, "by" => by)));
static OPEN: LazyLock<Gauge> = LazyLock::new(|| gauge!(CONNECTIONS));

/// The bound that something was refused by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Rate,
    Places,
    Turns,
    Strangers,
    Connections,
}

pub(super) fn register() {
    describe_counter!(
        REFUSALS,
        "What was refused for want of room, by the bound: a user's rate, the places of requests, \
         the turns to be worked on, the streams of strangers (health and reflection), the \
         connections (MAX_CONNECTIONS)."
    );
    describe_gauge!(CONNECTIONS, "Connections of clients.");
    LazyLock::force(&REFUSED);
    LazyLock::force(&OPEN);
}

/// Counts a refusal.
pub(crate) fn refused(by: By) {
    REFUSED[by as usize].increment(1);
}

/// Counts a connection until what is returned is dropped.
pub(crate) fn connected() -> impl Drop {
    struct Connected;
    impl Drop for Connected {
        fn drop(&mut self) {
            OPEN.decrement(1);
        }
    }
    OPEN.increment(1);
    Connected
}
