//! Connections that are kept for the next query, a pool for each source.

mod lease;
mod registry;

use std::{fmt, sync::Arc, time::Duration};

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Pool, PoolError, RecycleError, RecycleResult, Timeouts},
};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::lease::Lease;
use self::{
    lease::Pooled,
    registry::{Entry, Registry},
};
use crate::{Error, Source, connect, egress::Egress, session::Session};

/// By how much the wait for a connection ends before the time that there is for
/// everything, so that a busy source is told from a server that does not answer.
const MOMENT: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many connections a source has at most, and so how many statements run
    /// on it at once.
    pub max_connections: usize,
    /// How long a connection is kept that nobody uses.
    pub idle_time: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_connections: 8, idle_time: Duration::from_secs(60) }
    }
}

/// What there is of connections to data sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// Sources that have any.
    pub sources: usize,
    pub idle: usize,
    pub in_use: usize,
    /// Statements that wait for one.
    pub waiting: usize,
}

/// The way to every data source of this process.
#[derive(Clone)]
pub struct Pools {
    settings: Settings,
    egress: Egress,
    registry: Arc<Registry>,
}

impl fmt::Debug for Pools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pools")
            .field("settings", &self.settings)
            .field("egress", &self.egress)
            .finish_non_exhaustive()
    }
}

impl Pools {
    pub fn new(egress: Egress, settings: Settings) -> Self {
        Self { settings, egress, registry: Arc::new(Registry::new(settings.idle_time)) }
    }

    pub fn in_use(&self) -> PoolUse {
        self.registry.in_use()
    }

    /// Takes a connection that carries nothing over from whoever had it before, or
    /// makes one.
    pub(crate) async fn lease(&self, source: &Source, deadline: Instant) -> Result<Lease, Error> {
        let entry = self.registry.entry(source, || self.pool(source));
        let left = deadline.saturating_duration_since(Instant::now());
        let timeouts =
            Timeouts { wait: Some(left.saturating_sub(MOMENT)), create: None, recycle: None };
        let connection = timeout_at(deadline, Box::pin(entry.timeout_get(&timeouts))).await;
        match connection.map_err(|late| Error::Unreachable(late.into()))? {
            Ok(connection) => Ok(Lease::new(connection, Arc::clone(&self.registry))),
            Err(PoolError::Backend(error)) => Err(error),
            // The rest is of hooks and of closing, of which there is none.
            Err(_) => Err(Error::Busy),
        }
    }

    /// Opens a connection that no pool knows: a login is made and judged now.
    pub(crate) async fn log_in(&self, source: &Source) -> Result<Session, Error> {
        connect::connect(source, &self.egress).await
    }

    fn pool(&self, source: &Source) -> Entry {
        let logins = Logins { source: source.clone(), egress: self.egress.clone() };
        Pool::builder(logins)
            .max_size(self.settings.max_connections)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("a runtime is given for the timeouts")
    }
}

/// Makes a source's connections, and readies them for another user.
///
/// The egress rule judges an address when it is connected to. A connection stays
/// with the address that was judged, and the rule is the same as long as the
/// process lives, so that there is nothing to judge again.
#[derive(Debug)]
pub(crate) struct Logins {
    source: Source,
    egress: Egress,
}

impl Manager for Logins {
    type Type = Pooled;
    type Error = Error;

    async fn create(&self) -> Result<Pooled, Error> {
        connect::connect(&self.source, &self.egress).await.map(Pooled::new)
    }

    async fn recycle(&self, pooled: &mut Pooled, _: &Metrics) -> RecycleResult<Error> {
        // What is not clean, or not there any more, is closed; the pool goes on to
        // the next, or makes one.
        if pooled.wake().await { Ok(()) } else { Err(RecycleError::message("is not clean")) }
    }
}
