//! What is neither gRPC nor gRPC-Web is told so, as the protocol asks for: with an HTTP
//! status, and with a gRPC one beside it.

use axum::{extract::Request, response::Response};
use http::{HeaderMap, Method, StatusCode, Version, header::CONTENT_TYPE};
use tonic::Status;

use crate::Error;

/// What is spoken here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    Grpc,
    GrpcWeb,
}

/// Which of them a request is in, or what it is answered.
pub(super) fn protocol(request: &Request) -> Result<Protocol, Response> {
    if request.method() != Method::POST {
        return Err(refusal(StatusCode::METHOD_NOT_ALLOWED, "method", "must be POST"));
    }
    if is_web(request.headers()) {
        return Ok(Protocol::GrpcWeb);
    }
    let problem = if !is_grpc(request.headers()) {
        "must be application/grpc or application/grpc-web, with protobuf"
    } else if request.version() != Version::HTTP_2 {
        "must be application/grpc-web over HTTP/1.1"
    } else {
        return Ok(Protocol::Grpc);
    };
    Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", problem))
}

fn refusal(http_status: StatusCode, field: &'static str, problem: &'static str) -> Response {
    let mut response = Status::from(Error::invalid(field, problem)).into_http();
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
