//! What an error tells programs besides its reason.

use std::{collections::HashMap, time::Duration};

use data_source::Error as SourceError;
use storage::Error as StorageError;

use super::{Error, RETRY_AFTER, Violation, reason::Again};

/// What is wrong with sample values outside of the most open privacy mode.
pub(crate) const SAMPLE_VALUES_NOT_FULL: &str =
    "can be on in PRIVACY_MODE_FULL only; turn them off for another mode";

/// Violations in one line, for people.
pub(super) fn joined(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// For people; whoever reads nothing else learns of the fields, too.
    pub(super) fn message(&self) -> String {
        match self.violations().as_slice() {
            [] => self.to_string(),
            violations => joined(violations),
        }
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        let violation = |field, problem: String| vec![Violation { field, problem }];
        match self {
            Self::InvalidArgument(violations) => violations.clone(),
            Self::Storage(StorageError::AgentMismatch) => {
                violation("agent_id", "is not the session's agent".to_owned())
            }
            Self::Storage(StorageError::NotPostgres) => {
                violation("postgres", "the data source is a data set".to_owned())
            }
            Self::Storage(StorageError::PasswordRequired) => {
                let problem = "must be given again when host, port, database or user change";
                violation("postgres.password", problem.to_owned())
            }
            Self::Storage(StorageError::SampleValuesNotFull) => {
                violation("sample_values", SAMPLE_VALUES_NOT_FULL.to_owned())
            }
            Self::DataSource(
                error @ (SourceError::Csv { .. }
                | SourceError::TooManyColumns { .. }
                | SourceError::RowTooLarge),
            ) => violation("data", error.to_string()),
            Self::DataSource(SourceError::TableName { problem }) => {
                violation("table.table_name", (*problem).to_owned())
            }
            _ => Vec::new(),
        }
    }

    /// When it can work, if waiting helps.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match (self, self.reason().again) {
            (
                Self::RateLimited { retry_after, .. }
                | Self::Storage(StorageError::QuotaExceeded { retry_after, .. }),
                _,
            ) => Some(*retry_after),
            (_, Again::Later) => Some(RETRY_AFTER),
            (_, Again::No) => None,
        }
    }

    /// Whose quota is used up, and what it is.
    pub(super) fn quota(&self) -> Option<(String, String)> {
        match self {
            Self::RateLimited { user_id, .. }
            | Self::TooManyRequests { user_id, .. }
            | Self::Storage(StorageError::QuotaExceeded { user_id, .. }) => {
                Some((format!("user:{user_id}"), self.to_string()))
            }
            _ => None,
        }
    }

    pub(super) fn metadata(&self) -> HashMap<String, String> {
        let (name, value) = match self {
            Self::DataSource(SourceError::Csv { line, .. }) => ("line", line.to_string()),
            Self::SlowConsumer { after_event_id } | Self::ShuttingDown { after_event_id } => {
                ("after_event_id", after_event_id.to_string())
            }
            Self::Storage(StorageError::SessionBusy { run_id }) => ("run_id", run_id.to_string()),
            _ => return HashMap::new(),
        };
        HashMap::from([(name.to_owned(), value)])
    }
}
