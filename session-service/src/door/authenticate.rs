//! Lets only those through who say who they are, for as long as they may.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use tokio::time;
use tonic::Status;
use tracing::{Span, field};

use super::until::Until;
use crate::{Error, auth::Verifier};

/// A call ends with its token.
pub(super) async fn authenticate(
    State(verifier): State<Verifier>,
    mut request: Request,
    next: Next,
) -> Response {
    let verified = match verifier.verify(request.headers()).await {
        Ok(verified) => verified,
        Err(error) => return Status::from(error).into_http(),
    };
    Span::current().record("user.id", field::display(verified.caller.user_id));
    request.extensions_mut().insert(verified.caller);
    let until = Until::new(verified.expires_at, || Error::Unauthenticated.into());
    match time::timeout_at(verified.expires_at, next.run(request)).await {
        Ok(response) => response.map(|body| until.cut(body)),
        Err(_) => Status::from(Error::Unauthenticated).into_http(),
    }
}
