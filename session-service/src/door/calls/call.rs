//! What is told of one call, once it has ended.

use std::time::Instant;

use http::HeaderMap;
use tonic::{Code, Status};
use tracing::{Level, Span};

use super::methods::Method;
use crate::described;

/// A call that goes on; told of when its answer ends.
#[derive(Debug)]
pub(super) struct Call {
    method: &'static Method,
    span: Span,
    began_at: Instant,
    is_told: bool,
}

impl Call {
    pub(super) fn new(method: &'static Method, span: Span) -> Self {
        Self { method, span, began_at: Instant::now(), is_told: false }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    /// Tells of the end that these headers or trailers say.
    pub(super) fn look_at(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers).filter(|_| !self.is_told) {
            self.end(status.code());
        }
    }

    fn end(&mut self, code: Code) {
        self.is_told = true;
        self.span.record("rpc.grpc.status_code", i32::from(code));
        if is_error(code) {
            self.span.record("otel.status_code", "ERROR");
        }
        let _entered = self.span.enter();
        let elapsed_ms = u64::try_from(self.began_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, code, level) = (&self.method.name, described::code(code), level(code));
        match level {
            Level::WARN => tracing::warn!(method, code, elapsed_ms, "call ended"),
            Level::INFO => tracing::info!(method, code, elapsed_ms, "call ended"),
            _ => tracing::debug!(method, code, elapsed_ms, "call ended"),
        }
    }
}

/// Whoever does not want the rest of an answer does not see its end.
impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_told {
            self.end(Code::Cancelled);
        }
    }
}

/// Whether it is the service's affair, by OpenTelemetry's conventions.
fn is_error(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    )
}

/// How much an operator wants to know of it.
fn level(code: Code) -> Level {
    match code {
        Code::Ok | Code::Cancelled => Level::DEBUG,
        Code::Unknown | Code::Internal | Code::Unavailable | Code::DataLoss => Level::WARN,
        // The caller's affair.
        Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => Level::INFO,
    }
}
