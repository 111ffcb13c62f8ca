//! What a request can fail with, and how each failure looks on the wire.

mod details;
pub mod failure;
pub mod reason;

use std::time::Duration;

use bootstrap::report;
use data_source::Error as SourceError;
use storage::{Error as StorageError, UserId, error::Entity, runs::Exceeded};
use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

pub(crate) use self::details::SAMPLE_VALUES_NOT_FULL;
use self::reason::Reason;
use crate::metrics;

/// The domain of every `google.rpc.ErrorInfo`.
pub(crate) const DOMAIN: &str = "tertulia.v1";
/// When to try again what failed for want of a server behind us.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", details::joined(.0))]
    InvalidArgument(Vec<Violation>),
    #[error("missing or invalid credentials")]
    Unauthenticated,
    /// Whatever a token says, for want of keys.
    #[error("no token can be verified now; try again")]
    Unverifiable,
    #[error("the deadline has passed")]
    DeadlineExceeded,
    #[error("more than {per_second} requests a second; wait, and send them more slowly")]
    RateLimited { user_id: UserId, per_second: u32, retry_after: Duration },
    #[error("{at_once} requests are going on already; wait until one of them has ended")]
    TooManyRequests { user_id: UserId, at_once: u32 },
    #[error("there are more requests than can be served now; try again")]
    Overloaded,
    /// A request that is not sent on.
    #[error("nothing more of the request has arrived for too long")]
    Stalled,
    #[error("the request broke off")]
    BrokenOff,
    #[error("the request's message has more than {max_bytes} bytes")]
    MessageTooLarge { max_bytes: usize },
    #[error("the headers have more than {max_bytes} bytes")]
    HeadersTooLarge { max_bytes: u32 },
    #[error("the CSV is larger than {max_bytes} bytes")]
    ImportTooLarge { max_bytes: u64 },
    /// A stream has ended before its last event, and can be resumed.
    #[error("the events were not taken fast enough; watch again from the last one")]
    SlowConsumer { after_event_id: i64 },
    /// As above.
    #[error("the server is shutting down; watch again from the last event")]
    ShuttingDown { after_event_id: i64 },
    /// The login role of a data source could do anything to its server.
    #[error("the login role is a superuser; give one that can only read, or set allow_superuser")]
    Superuser,
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    DataSource(#[from] SourceError),
    #[error("what is searched for can't be embedded now")]
    Embedder(#[source] model::Error),
    /// A fault of ours.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl From<sources::Error> for Error {
    fn from(error: sources::Error) -> Self {
        match error {
            sources::Error::Storage(error) => Self::Storage(error),
            sources::Error::DataSource(error) => Self::DataSource(error),
            damaged @ sources::Error::Damaged(_) => Self::Internal(damaged.into()),
        }
    }
}

/// A field, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Violation {
    pub field: &'static str,
    pub problem: String,
}

impl Error {
    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::InvalidArgument(vec![Violation { field, problem: problem.into() }])
    }

    /// What it is in the catalogue. A new variant has to choose here.
    #[deny(clippy::wildcard_enum_match_arm)]
    fn reason(&self) -> Reason {
        match self {
            Self::InvalidArgument(_) => reason::INVALID_FIELD,
            Self::Unauthenticated => reason::UNAUTHENTICATED,
            Self::Unverifiable => reason::UNAVAILABLE,
            Self::DeadlineExceeded => reason::DEADLINE_EXCEEDED,
            Self::RateLimited { .. } => reason::RATE_LIMITED,
            Self::TooManyRequests { .. } => reason::TOO_MANY_REQUESTS,
            Self::Overloaded => reason::OVERLOADED,
            Self::Stalled => reason::REQUEST_STALLED,
            Self::BrokenOff => reason::MALFORMED_REQUEST,
            Self::MessageTooLarge { .. } => reason::MESSAGE_TOO_LARGE,
            Self::HeadersTooLarge { .. } => reason::HEADERS_TOO_LARGE,
            Self::ImportTooLarge { .. } => reason::IMPORT_TOO_LARGE,
            Self::SlowConsumer { .. } => reason::SLOW_CONSUMER,
            Self::ShuttingDown { .. } => reason::SHUTTING_DOWN,
            Self::Superuser => reason::DATA_SOURCE_SUPERUSER,
            Self::Storage(error) => of_storage(error),
            Self::DataSource(error) => of_data_source(error),
            Self::Embedder(_) => reason::EMBEDDER_UNAVAILABLE,
            Self::Internal(_) => reason::INTERNAL,
        }
    }
}

#[deny(clippy::wildcard_enum_match_arm)]
fn of_storage(error: &StorageError) -> Reason {
    match error {
        StorageError::NotFound(Entity::Agent) => reason::AGENT_NOT_FOUND,
        StorageError::NotFound(Entity::DataSource) => reason::DATA_SOURCE_NOT_FOUND,
        StorageError::NotFound(Entity::Result) => reason::RESULT_NOT_FOUND,
        StorageError::NotFound(Entity::Run) => reason::RUN_NOT_FOUND,
        StorageError::NotFound(Entity::Session) => reason::SESSION_NOT_FOUND,
        StorageError::AgentDeleted => reason::AGENT_DELETED,
        StorageError::AgentMismatch => reason::AGENT_MISMATCH,
        StorageError::NotPostgres
        | StorageError::PasswordRequired
        | StorageError::SampleValuesNotFull => reason::INVALID_FIELD,
        StorageError::DataSourceInUse => reason::DATA_SOURCE_IN_USE,
        StorageError::EtagMismatch => reason::ETAG_MISMATCH,
        StorageError::QueueFull { .. } => reason::QUEUE_FULL,
        StorageError::QuotaExceeded { exceeded, .. } => match exceeded {
            Exceeded::Running(_) => reason::TOO_MANY_RUNS,
            Exceeded::RunsToday(_) => reason::RUN_QUOTA_EXCEEDED,
            Exceeded::TokensToday(_) => reason::TOKEN_QUOTA_EXCEEDED,
        },
        StorageError::SessionBusy { .. } => reason::SESSION_BUSY,
        StorageError::RequestIdReused => reason::REQUEST_ID_REUSED,
        StorageError::ResultExpired => reason::RESULT_EXPIRED,
        StorageError::Unavailable(_) => reason::UNAVAILABLE,
        StorageError::Query(_) => reason::INTERNAL,
    }
}

#[deny(clippy::wildcard_enum_match_arm)]
fn of_data_source(error: &SourceError) -> Reason {
    match error {
        SourceError::AddressRefused | SourceError::LoginRefused(_) | SourceError::CaUnreadable => {
            reason::DATA_SOURCE_REFUSED
        }
        SourceError::Unreachable(_) | SourceError::Busy | SourceError::TimedOut => {
            reason::DATA_SOURCE_UNAVAILABLE
        }
        SourceError::Statement { .. } => reason::DATA_SOURCE_FAILED,
        SourceError::SchemaTooLarge { .. } => reason::SCHEMA_TOO_LARGE,
        SourceError::Csv { .. } | SourceError::TooManyColumns { .. } | SourceError::RowTooLarge => {
            reason::CSV_INVALID
        }
        SourceError::TableName { .. } => reason::INVALID_FIELD,
        SourceError::TableExists => reason::TABLE_EXISTS,
        SourceError::RequestIdReused => reason::REQUEST_ID_REUSED,
        SourceError::Store(_) if error.is_transient() => reason::UNAVAILABLE,
        // No call executes a statement that has a price.
        SourceError::TooExpensive { .. }
        | SourceError::Store(_)
        | SourceError::StoreUnfit { .. }
        | SourceError::Sealed => reason::INTERNAL,
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let reason = error.reason();
        metrics::failed(reason.name);
        let mut details = ErrorDetails::with_error_info(reason.name, DOMAIN, error.metadata());
        let violations = error.violations();
        if !violations.is_empty() {
            let violations =
                violations.into_iter().map(|it| FieldViolation::new(it.field, it.problem));
            details.set_bad_request(violations.collect::<Vec<_>>());
        }
        if let Some(retry_after) = error.retry_after() {
            details.set_retry_info(Some(retry_after));
        }
        if let Some((subject, limit)) = error.quota() {
            details.add_quota_failure_violation(subject, limit);
        }

        if let Error::Embedder(_) = &error {
            tracing::warn!(error = %report(&error), "a search failed");
        }
        let message = match reason {
            // Whoever reads the keys logs it, once for all requests.
            reason::UNAVAILABLE if matches!(error, Error::Unverifiable) => error.to_string(),
            // The caller can't act on the details and may not be meant to see
            // them; they go to the log, once, here.
            reason::INTERNAL | reason::UNAVAILABLE => {
                tracing::error!(error = %report(&error), "request failed");
                reason.code.description().to_owned()
            }
            _ => error.message(),
        };
        Self::with_error_details(reason.code, message, details)
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn every_failure_has_one_reason_in_our_domain() {
        let status = Status::from(Error::Storage(StorageError::NotFound(Entity::Session)));

        let info = status.get_details_error_info().unwrap();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("SESSION_NOT_FOUND", DOMAIN));
    }

    #[test]
    fn bad_input_names_every_field_and_its_problem() {
        let violation = |field| Violation { field, problem: "must be positive".to_owned() };
        let status = Status::from(Error::InvalidArgument(vec![violation("a"), violation("b")]));

        let bad_request = status.get_details_bad_request().unwrap();
        let fields: Vec<&str> =
            bad_request.field_violations.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["a", "b"]);
        assert_eq!(status.message(), "a: must be positive; b: must be positive");
    }

    #[test]
    fn the_message_names_the_field_wherever_the_refusal_comes_from() {
        let refusals = [
            (Error::Storage(StorageError::AgentMismatch), "agent_id: is not the session's agent"),
            (Error::Storage(StorageError::NotPostgres), "postgres: the data source is a data set"),
            (
                Error::DataSource(SourceError::Csv { line: 2, problem: "is open".to_owned() }),
                "data: line 2: is open",
            ),
        ];

        for (error, expected) in refusals {
            assert_eq!(Status::from(error).message(), expected);
        }
    }

    #[test]
    fn a_fault_of_ours_tells_nothing_about_us() {
        let cause = anyhow::anyhow!("password authentication failed for user tertulia");
        let status = Status::from(Error::Internal(cause));

        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("tertulia"), "{}", status.message());
    }
}
