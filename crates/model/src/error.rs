use std::time::Duration;

/// The cause behind an error of ours, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a provider gave no answer.
///
/// No message holds what the provider was told or has said; causes may, and are for
/// the log alone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the model is overloaded")]
    Overloaded,
    /// It is known when asking again makes sense.
    #[error("the model is overloaded")]
    Busy { after: Duration },
    #[error("the model does not answer")]
    Unreachable(#[source] Cause),
    /// The operator's doing: a wrong key, address or model.
    #[error("the model's provider does not accept the request")]
    Rejected(#[source] Cause),
    #[error("the model refused to answer")]
    Refused,
    #[error("the model's answer can't be used")]
    Unusable(#[source] Cause),
}

impl Error {
    /// Tells whether the same call may succeed later, with nothing changed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Overloaded | Self::Busy { .. } | Self::Unreachable(_) => true,
            Self::Rejected(_) | Self::Refused | Self::Unusable(_) => false,
        }
    }

    /// One word for it, which is always the same.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Overloaded | Self::Busy { .. } => "overloaded",
            Self::Unreachable(_) => "unreachable",
            Self::Rejected(_) => "rejected",
            Self::Refused => "refused",
            Self::Unusable(_) => "unusable",
        }
    }

    /// For how long the model should be left alone, if it is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { after } => Some(*after),
            Self::Overloaded
            | Self::Unreachable(_)
            | Self::Rejected(_)
            | Self::Refused
            | Self::Unusable(_) => None,
        }
    }
}
