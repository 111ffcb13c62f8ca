//! What can go wrong between us and a data source.

mod condition;

use std::{error::Error as _, io};

use tokio_postgres::error::{ErrorPosition, SqlState};

pub use self::condition::condition;

/// The cause behind an error of ours, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, as the caller needs to know it.
///
/// No message names a host, a user or a password; causes may, and are for the
/// log alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the data source's address is not allowed")]
    AddressRefused,
    #[error("the data source does not answer")]
    Unreachable(#[source] Cause),
    /// Also if the encryption that was asked for is not to be had.
    #[error("the data source refuses the login, or is not trusted with it")]
    LoginRefused(#[source] Cause),
    #[error("the certificate authorities to trust can't be read")]
    CaUnreadable,
    /// No connection became free in time.
    #[error("the data source has as much to do as it may")]
    Busy,
    #[error("the statement took too long")]
    TimedOut,
    #[error(
        "the statement is too expensive: the planner's estimate is {cost:.0}, at most {max:.0} is \
         allowed"
    )]
    TooExpensive { cost: f64, max: f64 },
    /// The data source's own words on a statement.
    #[error("{message}")]
    Statement {
        sqlstate: String,
        message: String,
        /// The character of the guard's statement that it is about, from 1.
        position: Option<u32>,
    },
    #[error(
        "the login role can read more than {max_tables} tables or {max_columns} columns: grant it \
         SELECT on fewer"
    )]
    SchemaTooLarge { max_tables: usize, max_columns: usize },
    #[error("a sealed password can't be opened")]
    Sealed,
    #[error("line {line}: {problem}")]
    Csv { line: u64, problem: String },
    #[error("a table can't have more than {max} columns")]
    TooManyColumns { max: usize },
    #[error("a row is too large for a table")]
    RowTooLarge,
    #[error("a table's name {problem}")]
    TableName { problem: &'static str },
    #[error("the table exists already")]
    TableExists,
    #[error("the request id was used for another import")]
    RequestIdReused,
    #[error("the data sets' store {problem}")]
    StoreUnfit { problem: String },
    #[error("the data sets' store failed")]
    Store(#[source] Cause),
}

impl Error {
    /// Tells whether the same call may succeed later, with nothing changed.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Busy => true,
            Self::Statement { sqlstate, .. } => is_transient_state(&SqlState::from_code(sqlstate)),
            Self::Store(cause) => cause.downcast_ref::<tokio_postgres::Error>().is_some_and(|it| {
                is_connection_lost(it) || it.code().is_some_and(is_transient_state)
            }),
            Self::AddressRefused
            | Self::LoginRefused(_)
            | Self::CaUnreadable
            | Self::TimedOut
            | Self::TooExpensive { .. }
            | Self::SchemaTooLarge { .. }
            | Self::Sealed
            | Self::Csv { .. }
            | Self::TooManyColumns { .. }
            | Self::RowTooLarge
            | Self::TableName { .. }
            | Self::TableExists
            | Self::RequestIdReused
            | Self::StoreUnfit { .. } => false,
        }
    }

    /// Tells whether the statement names what its data source does not have, so that
    /// the schema it was written for looks outdated.
    pub fn is_schema_outdated(&self) -> bool {
        let Self::Statement { sqlstate, .. } = self else { return false };
        [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME]
            .contains(&SqlState::from_code(sqlstate))
    }

    /// What we say of a statement in the data source's stead.
    pub(crate) fn refused(sqlstate: &str, message: &str) -> Self {
        let (sqlstate, message) = (sqlstate.to_owned(), message.to_owned());
        Self::Statement { sqlstate, message, position: None }
    }

    /// Postgres' own words would blame the statement.
    fn locked() -> Self {
        let message = "a table was locked by somebody else for longer than a statement waits";
        Self::refused(SqlState::LOCK_NOT_AVAILABLE.code(), message)
    }

    /// What a server means that does not speak as a server does.
    pub(crate) fn of_nonsense(cause: impl Into<Cause>) -> Self {
        Self::Unreachable(cause.into())
    }

    /// What a failed login means.
    pub(crate) fn of_login(error: tokio_postgres::Error) -> Self {
        let is_refused = match error.code() {
            Some(code) => {
                code.code().starts_with("28")
                    || *code == SqlState::INVALID_CATALOG_NAME
                    || *code == SqlState::INSUFFICIENT_PRIVILEGE
            }
            None => !error.is_closed() && !is_broken_stream(&error),
        };
        if is_refused { Self::LoginRefused(error.into()) } else { Self::Unreachable(error.into()) }
    }

    /// What a failed statement on a user's data means.
    pub(crate) fn of_statement(error: tokio_postgres::Error) -> Self {
        let Some(answer) = error.as_db_error() else { return Self::Unreachable(error.into()) };
        if is_connection_lost(&error) {
            return Self::Unreachable(error.into());
        }
        match *answer.code() {
            SqlState::QUERY_CANCELED => return Self::TimedOut,
            SqlState::LOCK_NOT_AVAILABLE => return Self::locked(),
            _ => {}
        }
        let message = match answer.hint() {
            Some(hint) => format!("{} (hint: {hint})", answer.message()),
            None => answer.message().to_owned(),
        };
        let position = match answer.position() {
            Some(ErrorPosition::Original(position)) => Some(*position),
            // Inside of a function's text.
            Some(ErrorPosition::Internal { .. }) | None => None,
        };
        Self::Statement { sqlstate: answer.code().code().to_owned(), message, position }
    }

    /// What a failed statement of ours in the store means.
    pub(crate) fn of_store(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Tells a stream that broke from a handshake that came to a bad end: there the
/// driver gives its own words as the cause, or those of rustls.
fn is_broken_stream(error: &tokio_postgres::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|it| !it.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()))
}

/// Tells whether the session ended, or is about to, without the statement's doing.
fn is_connection_lost(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else { return true };
    code.code().starts_with("08")
        || code.code().starts_with("57P")
        || [SqlState::TOO_MANY_CONNECTIONS, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT]
            .contains(code)
}

/// Conflicts with other sessions: serialization failures, deadlocks, and locks
/// that were not to be had in time.
fn is_transient_state(code: &SqlState) -> bool {
    code.code().starts_with("40")
        || [SqlState::LOCK_NOT_AVAILABLE, SqlState::TOO_MANY_CONNECTIONS].contains(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sqlstate: &str, expected: bool) {
        assert_eq!(statement(sqlstate).is_transient(), expected, "{sqlstate}");
    }

    fn statement(sqlstate: &str) -> Error {
        let sqlstate = sqlstate.to_owned();
        Error::Statement { sqlstate, message: String::new(), position: None }
    }

    #[test]
    fn names_that_are_not_there_hint_at_an_outdated_schema() {
        for sqlstate in ["42703", "42P01", "3F000"] {
            assert!(statement(sqlstate).is_schema_outdated(), "{sqlstate}");
        }
        assert!(!statement("42883").is_schema_outdated());
        assert!(!Error::TimedOut.is_schema_outdated());
    }

    #[test]
    fn an_expensive_statement_is_told_its_price() {
        let error = Error::TooExpensive { cost: 12_500_018.4, max: 1e7 };
        assert_eq!(
            error.to_string(),
            "the statement is too expensive: the planner's estimate is 12500018, at most 10000000 \
             is allowed"
        );
        assert!(!error.is_transient());
    }

    #[test]
    fn only_conflicts_with_other_sessions_make_a_statement_worth_repeating() {
        check("40001", true);
        check("40P01", true);
        check("55P03", true);
        check("42703", false);
        check("22012", false);
    }

    #[test]
    fn a_refusal_is_not_transient_and_an_unanswered_call_is() {
        assert!(Error::Unreachable("connection reset".into()).is_transient());
        assert!(Error::Busy.is_transient());
        assert!(!Error::AddressRefused.is_transient());
        assert!(!Error::TimedOut.is_transient());
    }

    #[test]
    fn a_message_keeps_its_cause_to_itself() {
        let error = Error::Unreachable("10.0.0.7 refused".into());
        assert_eq!(error.to_string(), "the data source does not answer");
    }
}
