//! Connections and transactions.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, Statement, TransactionTrait as _,
};

use crate::{Error, interruption};

/// A process that is paused, or whose machine is lost, in the middle of a transaction
/// keeps its locks from others for so long at most; and whoever waits for a lock
/// keeps a connection for so long. A statement whose connection was closed is noticed
/// after so long.
pub(crate) const SETTINGS: [(&str, &str); 3] = [
    ("idle_in_transaction_session_timeout", "10s"),
    ("lock_timeout", "5s"),
    ("client_connection_check_interval", "500ms"),
];

/// As the server's own views show it.
pub(crate) const NAME: &str = "tertulia";

/// Connects a pool of at most `max_connections`.
pub async fn connect(url: &str, max_connections: u32) -> Result<DatabaseConnection, Error> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        // Under load none is idle for so long; after a restart of the server all are.
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .set_application_name(NAME)
        .map_sqlx_postgres_opts(|options| options.options(SETTINGS))
        .map_sqlx_postgres_pool_opts(|options| {
            options.after_release(|connection, _| {
                Box::pin(async move { Ok(interruption::is_free(connection).await) })
            })
        })
        .sqlx_logging(false);
    Database::connect(options).await.map_err(Error::Unavailable)
}

/// Begins a transaction.
///
/// In a task of its own, which no caller can cancel: a `begin()` that is
/// cancelled half-way leaves the connection inside a transaction, and the pool
/// hands it to the next borrower like that (sqlx 0.9, issue 4385).
pub async fn transaction(db: &DatabaseConnection) -> Result<DatabaseTransaction, Error> {
    let db = db.clone();
    #[expect(clippy::disallowed_methods, reason = "the one place that begins a transaction")]
    let begun = tokio::spawn(async move { db.begin().await });
    match begun.await {
        Ok(begun) => Ok(begun?),
        Err(error) => Err(Error::Unavailable(DbErr::Custom(error.to_string()))),
    }
}

/// Whether a database is one of ours: the one that holds the conversations.
pub async fn holds_conversations(url: &str) -> Result<bool, Error> {
    let db = connect(url, 1).await?;
    let sql = "SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 'chat_sessions'";
    let found = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    db.close().await?;
    Ok(found.is_some())
}
