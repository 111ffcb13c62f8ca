//! A panic is a bug, and costs its request only.

use std::any::Any;

use axum::response::Response;
use tonic::Status;

use crate::Error;

pub(super) fn answer(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("not a text");
    Status::from(Error::Internal(anyhow::anyhow!("a request panicked: {text}"))).into_http()
}
