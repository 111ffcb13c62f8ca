use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

/// A connection that was idle for less is taken to be there. Under load none is idle for so
/// long; after a restart of the server all are.
const SURELY_THERE: Duration = Duration::from_secs(1);
/// What a connection keeps grows with what was done on it.
const LIFETIME: Duration = Duration::from_secs(1800);

/// Makes connections, and looks at them before they are lent again.
#[derive(Debug)]
pub(super) struct Logins {
    options: PgConnectOptions,
}

impl Logins {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options }
    }
}

impl Manager for Logins {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // It is large, and rare: whoever lends a connection would carry it along.
        Box::pin(self.options.connect()).await
    }

    async fn recycle(
        &self,
        connection: &mut PgConnection,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if LIFETIME < metrics.age() {
            return Err(RecycleError::message("is old"));
        }
        if SURELY_THERE < metrics.last_used() {
            connection.ping().await?;
        }
        Ok(())
    }
}
