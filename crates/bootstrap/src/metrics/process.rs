//! What is to be said of the process itself, and of what it is connected with.

use std::time::Duration;

use async_nats::Client;
use data_source::Pools;
use metrics::{Gauge, counter, describe_counter, describe_gauge, gauge};
use run_queue::ConnectionUse;
use storage::Database;
use tokio::time::{self, MissedTickBehavior};

use crate::Readiness;

/// How often it is looked at. None of it is asked of a server.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const BUILD_INFO: &str = "tertulia_build_info";
const READY: &str = "tertulia_ready";
const DEPENDENCY_UP: &str = "tertulia_dependency_up";
const NATS_CONNECTED: &str = "tertulia_nats_connected";
const NATS_CONNECTIONS: &str = "tertulia_nats_connections_total";
const POOL: &str = "tertulia_database_pool_connections";
const POOL_MAX: &str = "tertulia_database_pool_max_connections";
const SOURCES: &str = "tertulia_data_source_pools";
const SOURCE_POOLS: &str = "tertulia_data_source_pool_connections";
const SOURCE_WAITING: &str = "tertulia_data_source_pool_waiting";

/// What a process is connected with.
#[derive(Clone, Debug)]
pub struct Process {
    pub readiness: Readiness,
    pub db: Database,
    pub pools: Pools,
    pub nats: Client,
}

impl Process {
    /// Keeps an eye on it, for ever.
    pub async fn watch(self) {
        let gauges = Gauges::new();
        let mut ticks = time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(&gauges);
        }
    }

    fn look(&self, gauges: &Gauges) {
        let condition = self.readiness.now();
        gauges.ready.set(number(condition.is_ready()));
        let up = |is_up| if condition.started { number(is_up) } else { f64::NAN };
        gauges.database_up.set(up(condition.database));
        gauges.nats_up.set(up(condition.nats));
        let nats = ConnectionUse::of(&self.nats);
        gauges.nats_connected.set(number(nats.is_connected));
        counter!(NATS_CONNECTIONS).absolute(nats.connections);
        let pool = self.db.in_use();
        gauges.pool_idle.set(pool.idle);
        gauges.pool_in_use.set(pool.in_use);
        gauges.pool_max.set(pool.max);
        let sources = self.pools.in_use();
        gauges.sources.set(sources.sources as f64);
        gauges.sources_idle.set(sources.idle as f64);
        gauges.sources_in_use.set(sources.in_use as f64);
        gauges.sources_waiting.set(sources.waiting as f64);
    }
}

fn number(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

/// All of them, shown as 0 until they are set.
struct Gauges {
    ready: Gauge,
    database_up: Gauge,
    nats_up: Gauge,
    nats_connected: Gauge,
    pool_idle: Gauge,
    pool_in_use: Gauge,
    pool_max: Gauge,
    sources: Gauge,
    sources_idle: Gauge,
    sources_in_use: Gauge,
    sources_waiting: Gauge,
}

impl Gauges {
    fn new() -> Self {
        Self {
            ready: gauge!(READY),
            database_up: gauge!(DEPENDENCY_UP, "dependency" => "database"),
            nats_up: gauge!(DEPENDENCY_UP, "dependency" => "nats"),
            nats_connected: gauge!(NATS_CONNECTED),
            pool_idle: gauge!(POOL, "state" => "idle"),
            pool_in_use: gauge!(POOL, "state" => "in_use"),
            pool_max: gauge!(POOL_MAX),
            sources: gauge!(SOURCES),
            sources_idle: gauge!(SOURCE_POOLS, "state" => "idle"),
            sources_in_use: gauge!(SOURCE_POOLS, "state" => "in_use"),
            sources_waiting: gauge!(SOURCE_WAITING),
        }
    }
}

pub(super) fn register(service: &'static str) {
    describe_gauge!(BUILD_INFO, "1, with the service's name and version.");
    describe_gauge!(READY, "Whether the process says that it can do its work (`/readyz`): 1 or 0.");
    describe_gauge!(
        DEPENDENCY_UP,
        "Whether what the process can't do without answers, asked every 2 s: 1 or 0. NaN until the \
         process has started."
    );
    describe_gauge!(NATS_CONNECTED, "Whether the client is connected to NATS: 1 or 0.");
    describe_counter!(NATS_CONNECTIONS, "Connections made to NATS, one after the other.");
    describe_gauge!(POOL, "Connections to the database: lent (in_use) or not (idle).");
    describe_gauge!(POOL_MAX, "How many there may be: DATABASE_MAX_CONNECTIONS.");
    describe_gauge!(SOURCES, "Data sources to which there are connections.");
    describe_gauge!(SOURCE_POOLS, "Connections to data sources: lent (in_use) or not (idle).");
    describe_gauge!(SOURCE_WAITING, "Statements that wait for a connection to their data source.");
    let version = env!("CARGO_PKG_VERSION");
    gauge!(BUILD_INFO, "service" => service, "version" => version).set(1);
    counter!(NATS_CONNECTIONS).increment(0);
    let gauges = Gauges::new();
    gauges.database_up.set(f64::NAN);
    gauges.nats_up.set(f64::NAN);
}
