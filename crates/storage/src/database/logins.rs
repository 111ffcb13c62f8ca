use std::{io, time::Duration};

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time;

/// A connection that was lent so short a time ago is taken to be there. Under load none is idle for so
/// long; after a restart of the server all are.
const SURELY_THERE: Duration = Duration::from_secs(1);
/// How soon connecting is tried again: each time later, up to a bound.
const AGAIN: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
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

    /// Tries again while the server is about to be there: whoever waits for a connection waits
    /// for so long only.
    async fn log_in(&self) -> Result<PgConnection, sqlx::Error> {
        let mut pause = AGAIN;
        loop {
            match self.options.connect().await {
                Err(error) if may_pass(&error) => time::sleep(pause).await,
                connected => return connected,
            }
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}

/// Nobody listens, which happens in a restart; or the server starts up, or has no place just now.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| matches!(&*code, "57P03" | "53300"))
        }
        _ => false,
    }
}

impl Manager for Logins {
    type Type = PgConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<PgConnection, sqlx::Error> {
        // It is large, and rare: whoever lends a connection would carry it along.
        Box::pin(self.log_in()).await
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
