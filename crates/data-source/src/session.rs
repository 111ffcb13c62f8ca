//! One connection to a server, from its login to its end.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future::try_join;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    task::AbortHandle,
    time::timeout,
};
use tokio_postgres::{CancelToken, Client, Connection, Statement, types::Type};

use crate::{connect::Route, metered::Budget};

/// How long a session waits for a lock that someone else holds.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a session may take to end on either side.
const FAREWELL: Duration = Duration::from_secs(2);
/// What a server may send while it forgets the work before.
const DISCARD_BYTES: u64 = 64 * 1024;

/// What a transaction is told before anything else, each for itself alone: a
/// session-level setting would stay behind in a connection pooler's session.
///
/// As a query it also takes the transaction's snapshot, after which a READ ONLY
/// transaction can't be made READ WRITE any more.
const SETTINGS: &str = "
    SELECT pg_catalog.set_config('search_path', $1, true),
           pg_catalog.set_config('statement_timeout', $2, true),
           pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true),
           pg_catalog.set_config('lock_timeout', $3, true),
           -- The guard read the statement with the standard's rules for quotes.
           pg_catalog.set_config('standard_conforming_strings', 'on', true),
           pg_catalog.set_config('DateStyle', 'ISO', true),
           pg_catalog.set_config('IntervalStyle', 'postgres', true),
           pg_catalog.set_config('bytea_output', 'hex', true),
           -- As many digits as give the same number when they are read again.
           pg_catalog.set_config('extra_float_digits', '1', true),
           -- Postgres 14 has it, but not on Windows.
           CASE WHEN pg_catalog.current_setting('client_connection_check_interval', true)
                   IS NOT NULL
               AND pg_catalog.version() !~* 'windows|mingw|msvc|visual c'
               THEN pg_catalog.set_config('client_connection_check_interval', '1s', true)
           END";

/// A connection for one piece of work at a time.
///
/// Dropped in the middle of it, it has the server stop first: the server would
/// otherwise go on with a statement that nobody waits for.
pub(crate) struct Session {
    pub(crate) client: Client,
    budget: Budget,
    route: Route,
    driver: AbortHandle,
    /// Whether the server has nothing to do for us.
    is_idle: bool,
    /// Whether the driver looked types up, which leaves prepared statements behind.
    knows_types: AtomicBool,
}

impl Session {
    pub(crate) fn new<S, T>(
        client: Client,
        mut connection: Connection<S, T>,
        route: Route,
        budget: Budget,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Its errors reach whoever waits for a response. Notices are dropped:
        // they are a stranger's text.
        let driver = tokio::spawn(async move {
            while let Some(Ok(_)) = poll_fn(|cx| connection.poll_message(cx)).await {}
        });
        Self {
            client,
            budget,
            route,
            driver: driver.abort_handle(),
            is_idle: false,
            knows_types: AtomicBool::new(false),
        }
    }

    /// How much the server may still send.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Begins a transaction that reads one snapshot and can't write.
    pub(crate) async fn begin_reading(
        &self,
        search_path: &str,
        limit: Duration,
    ) -> Result<(), tokio_postgres::Error> {
        let limit_ms = limit.as_millis().clamp(1, i32::MAX as u128).to_string();
        let lock_ms = LOCK_TIMEOUT.min(limit).as_millis().max(1).to_string();
        let settings: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
            [(&search_path, Type::TEXT), (&limit_ms, Type::TEXT), (&lock_ms, Type::TEXT)];
        // Both are sent at once; the driver keeps their order.
        let begin = self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        try_join(begin, self.client.query_typed(SETTINGS, &settings)).await?;
        Ok(())
    }

    /// Has the server read a query, and tell its columns.
    pub(crate) async fn describe(&self, query: &str) -> Result<Statement, tokio_postgres::Error> {
        let statement = self.client.prepare(query).await?;
        let columns = statement.columns().iter().map(|column| column.type_());
        let mut types = columns.chain(statement.params());
        if types.any(|it| Type::from_oid(it.oid()).is_none()) {
            self.knows_types.store(true, Ordering::Relaxed);
        }
        Ok(statement)
    }

    /// Ends a session whose server has nothing left to do.
    pub(crate) async fn close(mut self) {
        self.rest().await;
    }

    /// Ends the work, and tells whether the server did.
    ///
    /// If the session is closed next, the rollback is for a pooler in between, which
    /// would else have to throw its own connection away.
    pub(crate) async fn rest(&mut self) -> bool {
        let rollback = timeout(FAREWELL, self.client.batch_execute("ROLLBACK")).await;
        self.is_idle = matches!(rollback, Ok(Ok(())));
        self.is_idle
    }

    /// Whether another can work with it: what is discarded first would take the
    /// driver's statements away, of which it would not know.
    pub(crate) fn is_reusable(&self) -> bool {
        !self.knows_types.load(Ordering::Relaxed)
    }

    /// Leaves nothing of the work before, and tells whether that was done.
    pub(crate) async fn discard_all(&mut self) -> bool {
        self.is_idle = false;
        self.budget.set(DISCARD_BYTES);
        let discard = timeout(FAREWELL, self.client.batch_execute("DISCARD ALL")).await;
        matches!(discard, Ok(Ok(())))
    }

    fn cancel(&self, runtime: &Handle) {
        let (route, driver) = (self.route.clone(), self.driver.clone());
        let token: CancelToken = self.client.cancel_token();
        runtime.spawn(async move {
            if let Err(error) = route.cancel(&token).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a statement could not be cancelled at its data source");
            }
            // The driver ends by itself once the server has answered.
            tokio::time::sleep(FAREWELL).await;
            driver.abort();
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_idle || self.client.is_closed() {
            return;
        }
        match Handle::try_current() {
            Ok(runtime) => self.cancel(&runtime),
            Err(_) => self.driver.abort(),
        }
    }
}
