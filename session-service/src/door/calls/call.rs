//! What is told of one call, once it has ended.

use std::{sync::Arc, time::Instant};

use axum::{extract::Request, response::Response};
use http::HeaderMap;
use tonic::Code;
use tracing::{Instrument as _, Level, Span};

use super::{Followed, Method};
use crate::{
    described,
    door::{answer::Answer, canonical, request_id::RequestId},
    metrics,
};

/// A call that goes on; told of when its answer ends.
#[derive(Debug)]
pub(in crate::door) struct Call {
    pub(super) span: Span,
    pub(super) end: End,
}

/// What is known of a call until its end is told.
#[derive(Debug)]
pub(super) struct End {
    /// None of what is public.
    method: Option<&'static Method>,
    measured: Arc<metrics::Call>,
    began_at: Instant,
    is_told: bool,
}

impl Call {
    pub(in crate::door) fn begin(request: &Request, id: &RequestId) -> Self {
        let path = request.uri().path();
        let method = Method::of(path);
        let span = method.map_or_else(Span::none, |it| super::span(it, request, id));
        let (measured, began_at) = (metrics::Call::begin(path), Instant::now());
        Self { span, end: End { method, measured, began_at, is_told: false } }
    }

    /// Follows it from its work to the end of its answer.
    pub(in crate::door) async fn follow(
        mut self,
        work: impl Future<Output = Response<Answer>>,
    ) -> Response<Followed> {
        let work = self.end.measured.scope(work);
        let mut response = work.instrument(self.span.clone()).await;
        self.end.measured.is_worked();
        self.span.in_scope(|| self.end.pass(&self.span, response.headers_mut()));
        response.map(|answer| Followed::new(answer, self))
    }
}

impl End {
    /// Completes these headers or trailers, and tells of the end that they say, in the call's
    /// span, which is entered.
    pub(super) fn pass(&mut self, span: &Span, headers: &mut HeaderMap) {
        canonical::complete(headers);
        let Some(code) = super::code(headers).filter(|_| !self.is_told) else { return };
        self.measured.ended(code);
        self.tell(span, code);
    }

    fn tell(&mut self, span: &Span, code: Code) {
        self.is_told = true;
        let Some(method) = self.method else { return };
        span.record("rpc.grpc.status_code", i32::from(code));
        if is_error(code) {
            span.record("otel.status_code", "ERROR");
        }
        let elapsed_ms = u64::try_from(self.began_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, code, level) = (&method.name, described::code(code), level(code));
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
        if !self.end.is_told {
            self.span.in_scope(|| self.end.tell(&self.span, Code::Cancelled));
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
