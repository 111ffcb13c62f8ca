//! Headers that are larger than they may be, as long as they are not so large that the
//! connection refuses them.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::HeaderMap;
use tonic::Status;

use crate::Error;

/// What a header counts for besides its text (RFC 9113, 6.5.2).
const OVERHEAD: usize = 32;

pub(super) async fn check(State(max_bytes): State<u32>, request: Request, next: Next) -> Response {
    let size = size(request.headers()) + request.uri().path().len();
    if (max_bytes as usize) < size {
        return Status::from(Error::HeadersTooLarge { max_bytes }).into_http();
    }
    next.run(request).await
}

fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + OVERHEAD).sum()
}
