//! A panic is a bug, and costs its request only. What it says may be what people have said, and
//! is told nobody.

use std::any::Any;

use axum::response::Response;
use tonic::Status;

use crate::Error;

pub(super) fn answer(_: Box<dyn Any + Send>) -> Response {
    Status::from(Error::Internal(anyhow::anyhow!("a request panicked"))).into_http()
}
