//! What an attempt at a run can fail with, and whether another may succeed.

use std::time::Duration;

use data_source::{Error as SourceError, guard::Refusal};
use storage::runs::Failure;

/// Doubles with each attempt.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
/// A part of the backoff that chance may take off, so that what failed together is
/// not tried again together.
const JITTER: f64 = 0.5;
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
            Self::Model(error) => matches!(error, model::Error::Overloaded),
            Self::Refused(_) | Self::Damaged(_) => false,
        }
    }

    /// Whether it is the statement that failed, at its data source.
    pub(crate) fn is_of_statement(&self) -> bool {
        matches!(self, Self::DataSource(SourceError::Statement { .. } | SourceError::TimedOut))
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
            Self::Model(model::Error::Overloaded) => ("MODEL_UNAVAILABLE", self.to_string()),
            Self::Model(model::Error::Refused) => ("MODEL_REFUSED", self.to_string()),
            Self::Storage(_) | Self::Damaged(_) => return internal(),
        };
        Failure { reason, message: shortened(message) }
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

/// A data source can put a whole cell into its message.
fn shortened(mut message: String) -> String {
    if MAX_MESSAGE_BYTES < message.len() {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
        message.push('…');
    }
    message.replace('\0', "\u{fffd}")
}

#[deny(clippy::wildcard_enum_match_arm)]
fn of_data_source(error: &SourceError) -> &'static str {
    match error {
        SourceError::Statement { .. } => "SQL_FAILED",
        SourceError::TimedOut => "SQL_TIMED_OUT",
        SourceError::Unreachable(_) | SourceError::Store(_) => "DATA_SOURCE_UNAVAILABLE",
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
