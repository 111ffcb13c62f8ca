//! Authentication: a bearer token in, a [`Caller`] out. Nothing else in a request says
//! whose it is.

mod accepted;
mod bearer;
mod issuer;
mod key;
mod key_set;
mod keys;
mod pem;
mod rules;
mod source;

use std::sync::Arc;

use http::HeaderMap;
use storage::UserId;
use tokio::time::Instant;
use tonic::Request;

pub use issuer::{JwksUrl, NotAJwksUrl};
pub use keys::Pace;
pub use rules::Rules;
pub use source::Source;

use self::{keys::Keys, rules::Named};
use crate::Error;

/// Who sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub user_id: UserId,
}

impl Caller {
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        request.extensions().get().copied().ok_or(Error::Unauthenticated)
    }
}

/// What a token that is good says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    pub caller: Caller,
    /// When the token is none any more.
    pub expires_at: Instant,
}

/// Why a token is not accepted. For the log: who sent it is not told.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the request has not one bearer token")]
    NotOneToken,
    #[error("the token, or the id of its key, is too long")]
    TooLong,
    #[error("the token's header has extensions that must be understood")]
    Critical,
    #[error("there is no key for the token")]
    NoKey,
    #[error("the token is not good")]
    Invalid(#[from] jsonwebtoken::errors::Error),
    #[error("the token has expired")]
    Expired,
    #[error("the token names an audience, and no audience is ours")]
    ForOthers,
    #[error("the token names no user")]
    NoUser,
    /// As good as the token may be.
    #[error("the keys are too old to be used")]
    OldKeys,
}

impl From<Refusal> for Error {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::OldKeys => Self::Unverifiable,
            Refusal::NotOneToken
            | Refusal::TooLong
            | Refusal::Critical
            | Refusal::NoKey
            | Refusal::Invalid(_)
            | Refusal::Expired
            | Refusal::ForOthers
            | Refusal::NoUser => Self::Unauthenticated,
        }
    }
}

/// Lets a request through only with a token that one of the keys has signed.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: Keys,
    rules: Arc<Rules>,
}

impl Verifier {
    /// Fails if the keys are in a file in which they can't be used. Those that an issuer
    /// publishes are there later.
    pub fn new(source: Source, rules: Rules, pace: Pace) -> anyhow::Result<Self> {
        Ok(Self { keys: Keys::new(source, pace)?, rules: Arc::new(rules) })
    }

    /// Waits until tokens can be verified.
    pub async fn has_keys(&self) {
        self.keys.appear().await;
    }

    /// Keeps the keys as their source has them, for ever.
    pub async fn refresh_keys(self) {
        self.keys.refresh().await;
    }

    pub(crate) async fn verify(&self, headers: &HeaderMap) -> Result<Verified, Error> {
        let checked = self.check(headers).await;
        let told = |refusal: &Refusal| tracing::debug!(refusal = %bootstrap::report(refusal));
        Ok(checked.inspect_err(told)?)
    }

    async fn check(&self, headers: &HeaderMap) -> Result<Verified, Refusal> {
        let token = bearer::token(headers)?;
        // Before anything of the token: it must not say which of the two answers it gets.
        let known = self.keys.usable()?.accepted().find(token);
        let named = match known {
            Some(named) => named,
            None => self.open(token).await?,
        };
        self.rules.verified(named)
    }

    async fn open(&self, token: &str) -> Result<Named, Refusal> {
        let header = bearer::header(token)?;
        let id = header.kid.as_deref();
        let keys = self.keys.naming(id).await?;
        let validation = self.rules.validation(header.alg);
        let mut refusal = Refusal::NoKey;
        for key in keys.candidates(id, header.alg) {
            match key.open(token, &validation) {
                Ok(claims) => {
                    let named = self.rules.read(&claims)?;
                    keys.accepted().keep(token, named);
                    return Ok(named);
                }
                Err(error) => refusal = error.into(),
            }
        }
        Err(refusal)
    }
}
