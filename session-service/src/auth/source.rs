//! Where keys are read, again and again.

use std::{
    fs::File,
    io,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bootstrap::Secret;
use reqwest::StatusCode;
use tokio::task;

use super::{
    issuer::{Issuer, JwksUrl},
    key_set::{Invalid, KeySet},
};

/// How large a document of keys may be.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// What tokens are verified with.
#[derive(Clone, Debug)]
pub enum Source {
    /// The issuer's own, for HS256: each is good.
    Secrets(Vec<Secret>),
    /// A file of public keys as PEM.
    PublicKeysFile(PathBuf),
    /// A file with a JWK set.
    JwksFile(PathBuf),
    /// A JWK set that the issuer publishes.
    JwksUrl(JwksUrl),
}

/// What keys are read from.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Pem(PathBuf),
    Jwks(PathBuf),
    Published(Issuer),
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("it can't be read")]
    File(#[from] io::Error),
    #[error("the issuer does not send it")]
    Issuer(#[from] reqwest::Error),
    #[error("the issuer answers with {0}")]
    Status(StatusCode),
    #[error("it is larger than {MAX_BYTES} bytes")]
    TooLarge,
}

impl Document {
    /// What it says, and for how long its issuer says that it holds.
    pub(super) async fn read(&self) -> Result<(Vec<u8>, Option<Duration>), Unread> {
        match self {
            Self::Published(issuer) => issuer.fetch().await,
            Self::Pem(path) | Self::Jwks(path) => {
                let path = path.clone();
                let reading = task::spawn_blocking(move || read_file(&path));
                let read = reading.await.map_err(io::Error::other)?;
                Ok((read?, None))
            }
        }
    }

    pub(super) fn keys(&self, document: &[u8]) -> Result<KeySet, Invalid> {
        match self {
            Self::Pem(_) => KeySet::pem(document),
            Self::Jwks(_) | Self::Published(_) => KeySet::jwks(document),
        }
    }
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, Unread> {
    let mut document = Vec::new();
    File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut document)?;
    if document.len() > MAX_BYTES { Err(Unread::TooLarge) } else { Ok(document) }
}
