//! What an attempt at a run can fail with, and whether another may succeed.

use std::time::Duration;

use data_source::{Error as SourceError, guard::Refusal};
use storage::runs::Failure;

/// Doubles with each attempt.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// A part of the backoff that chance may take off, so that what failed together is
/// not tried again together.
const JITTER: f64 = 0.5;
/// How long what a model asks for is waited for at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a message may be.
const MAX_MESSAGE_BYTES: usize = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Storage(#[from] storage::Error),
    #[error(transparent)]
    DataSource(#[from] SourceError),
    /// A stored data source is not as it was written.
    #[error(transparent)]
    Damaged(sources::Error),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Model(#[from] model::Error),
    #[error(transparent)]
    ModelNotAllowed(#[from] model::NotAllowed),
}

impl From<sources::Error> for Error {
    fn from(error: sources::Error) -> Self {
        match error {
            sources::Error::Storage(error) => Self::Storage(error),
            sources::Error::DataSource(error) => Self::DataSource(error),
            damaged @ sources::Error::Damaged(_) => Self::Damaged(damaged),
        }
    }
}

impl Error {
    /// Whether another attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Storage(error) => matches!(error, storage::Error::Unavailable(_)),
            Self::DataSource(error) => error.is_transient(),
            Self::Model(error) => error.is_transient(),
            Self::Refused(_) | Self::Damaged(_) | Self::ModelNotAllowed(_) => false,
        }
    }

    /// For how long another attempt would be in vain; one is made after a minute all
    /// the same.
    pub(crate) fn wait(&self) -> Duration {
        let after = match self {
            Self::Model(error) => error.retry_after(),
            Self::Storage(_)
            | Self::DataSource(_)
            | Self::Damaged(_)
            | Self::Refused(_)
            | Self::ModelNotAllowed(_) => None,
        };
        after.unwrap_or_default().min(LONGEST_WAIT)
    }

    /// Whether it is the statement that failed, before its data source or there.
    pub(crate) fn is_of_statement(&self) -> bool {
        use SourceError::{Statement, TimedOut, TooExpensive};
        match self {
            Self::Refused(_) => true,
            Self::DataSource(error) => {
                matches!(error, Statement { .. } | TimedOut | TooExpensive { .. })
            }
            Self::Storage(_) | Self::Damaged(_) | Self::Model(_) | Self::ModelNotAllowed(_) => {
                false
            }
        }
    }

    /// Whether the model may do better with another statement.
    pub(crate) fn is_correctable(&self) -> bool {
        let is_late = matches!(self, Self::DataSource(SourceError::TimedOut));
        self.is_of_statement() && !self.is_transient() && !is_late
    }

    /// Whether a model has said what can't be taken for a plan.
    pub(crate) fn is_unusable_plan(&self) -> bool {
        matches!(self, Self::Model(model::Error::Unusable(_)))
    }

    /// Whether the tables may have changed since they were read.
    pub(crate) fn is_schema_outdated(&self) -> bool {
        matches!(self, Self::DataSource(error) if error.is_schema_outdated())
    }

    /// Whether it tells of a fault of ours, and not of the question's or of the data
    /// source's.
    pub(crate) fn is_ours(&self) -> bool {
        self.failure().reason == "INTERNAL"
    }

    /// What the caller is told: nothing internal.
    #[deny(clippy::wildcard_enum_match_arm)]
    pub(crate) fn failure(&self) -> Failure {
        let (reason, message) = match self {
            Self::Storage(storage::Error::NotFound(_)) => {
                ("DATA_SOURCE_NOT_FOUND", "the agent's data source was deleted".to_owned())
            }
            Self::DataSource(error) => (of_data_source(error), error.to_string()),
            Self::Refused(refusal) => (refusal.reason(), refusal.to_string()),
            Self::Model(error) => (of_model(error), error.to_string()),
            Self::ModelNotAllowed(error) => ("MODEL_NOT_AVAILABLE", error.to_string()),
            Self::Storage(_) | Self::Damaged(_) => return internal(),
        };
        // A data source can put a whole cell into its message.
        Failure { reason, message: shortened(message, MAX_MESSAGE_BYTES) }
    }
}

/// What the caller is told of a fault of ours.
pub(crate) fn internal() -> Failure {
    Failure { reason: "INTERNAL", message: "an internal error".to_owned() }
}

/// How long to wait after attempt number `attempt` before another.
pub(crate) fn backoff(attempt: i32) -> Duration {
    longest_backoff(attempt).mul_f64(1.0 - JITTER * rand::random::<f64>())
}

fn longest_backoff(attempt: i32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(5);
    FIRST_BACKOFF * 2_u32.pow(doublings)
}

/// A text that Postgres can store, cut where it is too long.
pub(crate) fn shortened(mut text: String, max_bytes: usize) -> String {
    if max_bytes < text.len() {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
    }
    text.replace('\0', "\u{fffd}")
}

fn of_model(error: &model::Error) -> &'static str {
    match error {
        model::Error::Overloaded | model::Error::Busy { .. } | model::Error::Unreachable(_) => {
            "MODEL_UNAVAILABLE"
        }
        model::Error::Rejected(_) => "MODEL_REJECTED",
        model::Error::Refused => "MODEL_REFUSED",
        model::Error::Unusable(_) => "MODEL_UNUSABLE",
    }
}

#[deny(clippy::wildcard_enum_match_arm)]
fn of_data_source(error: &SourceError) -> &'static str {
    match error {
        SourceError::Statement { .. } => "SQL_FAILED",
        SourceError::TimedOut => "SQL_TIMED_OUT",
        SourceError::TooExpensive { .. } => "SQL_TOO_EXPENSIVE",
        SourceError::Unreachable(_) | SourceError::Busy | SourceError::Store(_) => {
            "DATA_SOURCE_UNAVAILABLE"
        }
        SourceError::AddressRefused
        | SourceError::LoginRefused(_)
        | SourceError::CaUnreadable
        | SourceError::SchemaTooLarge { .. } => "DATA_SOURCE_REFUSED",
        SourceError::Sealed
        | SourceError::Csv { .. }
        | SourceError::TooManyColumns { .. }
        | SourceError::RowTooLarge
        | SourceError::TableName { .. }
        | SourceError::TableExists
        | SourceError::RequestIdReused
        | SourceError::StoreUnfit { .. } => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(Error::Model(model::Error::Overloaded).is_transient());
        assert!(!Error::Model(model::Error::Refused).is_transient());
        assert!(!Error::DataSource(SourceError::TimedOut).is_transient());
    }

    #[test]
    fn every_attempt_waits_longer_and_not_all_equally_long() {
        for attempt in 1..=3 {
            let longest = longest_backoff(attempt);
            assert_eq!(longest_backoff(attempt + 1), longest * 2);
            let waits: Vec<Duration> = (0..100).map(|_| backoff(attempt)).collect();
            assert!(waits.iter().all(|it| (longest / 2..=longest).contains(it)), "{waits:?}");
            assert!(waits.iter().any(|it| *it != waits[0]));
        }
    }

    #[test]
    fn a_fault_of_ours_tells_nothing_about_us() {
        let error = data_source::Error::Unreachable("10.0.0.7 refused".into());
        assert!(!Error::DataSource(error).failure().message.contains("10.0.0.7"));
        let sealed = sources::Error::DataSource(data_source::Error::Sealed);
        let failure = Error::Damaged(sealed).failure();
        assert_eq!((failure.reason, failure.message.as_str()), ("INTERNAL", "an internal error"));
    }
}
