//! What is neither gRPC nor gRPC-Web is told so, as the protocol asks for: with an HTTP
//! status, and with a gRPC one beside it.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, Method, StatusCode, Version, header::CONTENT_TYPE};
use tonic::Status;

use crate::Error;

pub(super) async fn check(request: Request, next: Next) -> Response {
    let refusal = if request.method() != Method::POST {
        let error = Error::invalid("method", "must be POST");
        Some((StatusCode::METHOD_NOT_ALLOWED, error))
    } else if is_web(request.headers()) {
        None
    } else if !is_grpc(request.headers()) {
        let error = Error::invalid("content-type", "must be application/grpc or grpc-web");
        Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
    } else if request.version() != Version::HTTP_2 {
        let error = Error::invalid("content-type", "must be application/grpc-web over HTTP/1.1");
        Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, error))
    } else {
        None
    };
    let Some((http_status, error)) = refusal else { return next.run(request).await };
    let mut response = Status::from(error).into_http();
    *response.status_mut() = http_status;
    response
}

fn is_grpc(headers: &HeaderMap) -> bool {
    has_type(headers, "application/grpc")
}

/// Whether it is gRPC-Web, as bytes or as text.
pub(super) fn is_web(headers: &HeaderMap) -> bool {
    has_type(headers, "application/grpc-web") || has_type(headers, "application/grpc-web-text")
}

fn has_type(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let rest = value.and_then(|it| it.strip_prefix(expected));
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['+', ';']))
}
