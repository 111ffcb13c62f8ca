use std::time::Duration;

use sea_orm::{DbErr, RuntimeErr};

use crate::{RunId, UserId, runs::Exceeded};

/// Why a query could not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} not found")]
    NotFound(Entity),
    /// The agent that is to answer was deleted.
    #[error("agent is deleted")]
    AgentDeleted,
    /// A session was addressed with an agent that is not its own.
    #[error("agent is not the session's")]
    AgentMismatch,
    /// A data set was addressed as a Postgres database.
    #[error("data source is a data set")]
    NotPostgres,
    /// A stored password is not to be used for another login.
    #[error("password is required")]
    PasswordRequired,
    /// A model is shown values of the columns in the most open privacy mode only.
    #[error("sample values need the privacy mode full")]
    SampleValuesNotFull,
    /// An agent still reads from the data source.
    #[error("data source is in use")]
    DataSourceInUse,
    /// The row was changed since the etag was read.
    #[error("etag does not match")]
    EtagMismatch,
    /// As many questions of the session wait for their turn as may.
    #[error("{max_waiting} questions of the session wait for their turn, and more may not")]
    QueueFull { max_waiting: u32 },
    /// The user has, or has had, as many runs as may be.
    #[error("{exceeded}")]
    QuotaExceeded { user_id: UserId, exceeded: Exceeded, retry_after: Duration },
    /// The session has an unfinished run.
    #[error("the session has an unfinished run")]
    SessionBusy { run_id: RunId },
    /// The request's id was used for another request.
    #[error("request_id was used for another request")]
    RequestIdReused,
    /// There was a result, and it was kept for as long as results are.
    #[error("the run's rows are not kept any more")]
    ResultExpired,
    #[error("database unavailable")]
    Unavailable(#[source] DbErr),
    #[error("query failed")]
    Query(#[source] DbErr),
}

/// What was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    Agent,
    DataSource,
    Result,
    Run,
    Session,
}

impl std::fmt::Display for Entity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::DataSource => "data source",
            Self::Result => "result",
            Self::Run => "run",
            Self::Session => "session",
        })
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        if is_unavailable(&error) { Self::Unavailable(error) } else { Self::Query(error) }
    }
}

impl Error {
    /// Whether the server could not be reached, was not ready, or did not let the role in, when
    /// it was connected to: later it may. The right to connect comes with the migrations.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unavailable(DbErr::Conn(RuntimeErr::SqlxError(error))) => is_away(error),
            Self::Unavailable(DbErr::ConnectionAcquire(_)) => true,
            _ => false,
        }
    }
}

/// The same of the driver's error.
pub(crate) fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // The right to connect comes with the migrations. A pooler says 08P01 to much that will
        // stay as it is.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let may_pass = ["08", "53", "57", "42501"].iter().any(|it| code.starts_with(it));
            may_pass && code != "08P01"
        }),
        _ => false,
    }
}

/// Whether it is the connection that failed, or the server's state, and not the
/// statement.
fn is_unavailable(error: &DbErr) -> bool {
    let runtime = match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return true,
        DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return false,
    };
    let RuntimeErr::SqlxError(error) = runtime else { return false };
    match &**error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        // Connection exceptions, insufficient resources, operator intervention
        // (shutdown, start-up), what concurrent transactions do to each other, and
        // our own bounds on waiting for locks and in transactions.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57", "40", "55P03", "25P03"].iter().any(|it| code.starts_with(it))
        }),
        _ => false,
    }
}
