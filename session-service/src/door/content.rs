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
        let error = Error::invalid(
            "content-type",
            "must be application/grpc or application/grpc-web, with protobuf",
        );
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
    let rest = content_type(headers).and_then(|it| it.strip_prefix("application/grpc"));
    let rest = rest.map(|it| it.strip_prefix("+proto").unwrap_or(it));
    rest.is_some_and(|it| it.is_empty() || it.starts_with(';'))
}

/// Whether it is gRPC-Web, as bytes or as text, as far as it can be translated.
fn is_web(headers: &HeaderMap) -> bool {
    let rest = content_type(headers).and_then(|it| it.strip_prefix("application/grpc-web"));
    rest.is_some_and(|it| matches!(it, "" | "+proto" | "-text" | "-text+proto"))
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(CONTENT_TYPE)?.to_str().ok()
}
