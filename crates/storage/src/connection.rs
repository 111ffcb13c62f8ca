//! Connections and transactions.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, RuntimeErr, Statement};
use sqlx::{ConnectOptions as _, postgres::PgConnectOptions};

use crate::{Database, Error, Transaction};

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
const NAME: &str = "tertulia";

/// Connects a pool of at most `max_connections`.
pub async fn connect(url: &str, max_connections: u32) -> Result<Database, Error> {
    let options = options(url)
        .map_err(|error| Error::Unavailable(DbErr::Conn(RuntimeErr::SqlxError(error.into()))))?;
    Database::connect(options, max_connections).await.map_err(Error::Unavailable)
}

/// How to connect.
pub(crate) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    Ok(options.options(SETTINGS).application_name(NAME).disable_statement_logging())
}

/// Begins a transaction.
pub async fn transaction(db: &Database) -> Result<Transaction, Error> {
    Ok(db.begin().await?)
}

/// Whether a database is one of ours: the one that holds the conversations.
pub async fn holds_conversations(url: &str) -> Result<bool, Error> {
    let db = connect(url, 1).await?;
    let sql = "SELECT FROM pg_tables WHERE schemaname = 'public' AND tablename = 'chat_sessions'";
    let found = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    Ok(found.is_some())
}
