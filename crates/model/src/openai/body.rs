//! The body of an answer, as it arrives.

use bytes::Bytes;
use reqwest::Response;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{self, Duration},
};

use super::{breaker::Pass, failure::Failure, patience::Patience};

/// Of one answer, all that is sent beside its text included.
const MAX_BYTES: usize = 16 << 20;

/// Bytes that are still arriving; dropping it ends the request.
#[derive(Debug)]
pub(super) struct Body {
    response: Response,
    patience: Patience,
    received: usize,
    /// `None` once it is known how the server did.
    pass: Option<Pass>,
    _permit: OwnedSemaphorePermit,
}

impl Body {
    pub(super) fn new(
        response: Response,
        patience: Patience,
        pass: Pass,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self { response, patience, received: 0, pass: Some(pass), _permit: permit }
    }

    /// `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let chunk = match time::timeout_at(self.patience.until(), self.response.chunk()).await {
            Ok(Ok(chunk)) => chunk,
            Ok(Err(error)) => return Err(Failure::unreachable(error.without_url())),
            Err(_) => return Err(Failure::unreachable("the answer stopped")),
        };
        self.received += chunk.as_ref().map_or(0, Bytes::len);
        if self.received > MAX_BYTES {
            return Err(Failure::unusable("the answer is longer than 16 MiB"));
        }
        Ok(chunk)
    }

    pub(super) async fn collect(&mut self) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all)
    }

    /// From now on it is waited for the rest only so long.
    pub(super) fn hurry(&mut self, left: Duration) {
        self.patience.shorten(left);
    }

    /// The breaker is told that the server does well, so far.
    pub(super) fn confirm(&mut self) {
        if let Some(pass) = &mut self.pass {
            pass.confirm();
        }
    }

    /// The breaker is told how the server did, the first time that it is known.
    pub(super) fn judge(&mut self, failure: Option<&Failure>) {
        match (self.pass.take(), failure) {
            (Some(pass), Some(Failure::Transient { .. })) => pass.fail(),
            (Some(pass), Some(Failure::Rejected(_) | Failure::Final(_)) | None) => pass.succeed(),
            (None, _) => (),
        }
    }
}
