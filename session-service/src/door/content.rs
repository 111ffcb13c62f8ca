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

/// What a request is answered that is in neither.
#[derive(Debug)]
pub(super) struct Refusal {
    http_status: StatusCode,
    field: &'static str,
    problem: &'static str,
}

impl From<Refusal> for Response {
    fn from(Refusal { http_status, field, problem }: Refusal) -> Self {
        let mut response = Status::from(Error::invalid(field, problem)).into_http();
        *response.status_mut() = http_status;
        response
    }
}

/// Which of them a request is in.
pub(super) fn protocol(request: &Request) -> Result<Protocol, Refusal> {
    if request.method() != Method::POST {
        let http_status = StatusCode::METHOD_NOT_ALLOWED;
        return Err(Refusal { http_status, field: "method", problem: "must be POST" });
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
    let http_status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Refusal { http_status, field: "content-type", problem })
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
