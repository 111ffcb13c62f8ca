//! The framework's own refusals, in the form of ours: a canonical code and an
//! `ErrorInfo`.

use std::collections::HashMap;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::calls;
use crate::{
    error::{DOMAIN, reason},
    metrics,
};

const DETAILS: &str = "grpc-status-details-bin";

/// How the framework begins to say that a request is not what it should be.
const MALFORMED: [&str; 4] = [
    "failed to decode Protobuf message",
    "protocol error: received message with",
    "Missing request message",
    "Unexpected EOF decoding stream",
];

/// Completes headers or trailers that say of an error without details.
pub(super) fn complete(headers: &mut HeaderMap) {
    if calls::code(headers).is_none_or(|code| code == Code::Ok) || headers.contains_key(DETAILS) {
        return;
    }
    if let Some(bare) = Status::from_header_map(headers) {
        // It fails for a message that is no header's value; ours are plain text.
        let _ = canonical(&bare).add_header(headers);
    }
}

fn canonical(bare: &Status) -> Status {
    let message = bare.message();
    let (reason, message) = match bare.code() {
        Code::Internal if MALFORMED.iter().any(|it| message.starts_with(it)) => {
            (reason::MALFORMED_REQUEST, "the request is not a message of its type")
        }
        Code::InvalidArgument => (reason::MALFORMED_REQUEST, message),
        Code::OutOfRange => {
            (reason::MESSAGE_TOO_LARGE, "a message has more bytes than it may have")
        }
        Code::Unimplemented if message.is_empty() => {
            (reason::UNIMPLEMENTED, "there is no such method")
        }
        Code::Unimplemented => {
            (reason::UNIMPLEMENTED, "the request is compressed, or asks for an unknown encoding")
        }
        Code::Cancelled => (reason::CANCELLED, "the request was cancelled"),
        Code::DeadlineExceeded => (reason::DEADLINE_EXCEEDED, message),
        Code::NotFound => (reason::NOT_FOUND, message),
        _ => {
            tracing::error!(status = %bare, "a request failed in the framework");
            (reason::INTERNAL, Code::Internal.description())
        }
    };
    metrics::failed(reason.name);
    let details = ErrorDetails::with_error_info(reason.name, DOMAIN, HashMap::new());
    Status::with_error_details(reason.code, message, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(status: Status) -> HeaderMap {
        status.into_http::<()>().into_parts().0.headers
    }

    #[track_caller]
    fn check(bare: Status, code: Code, reason: &str) {
        let mut completed = headers(bare);
        complete(&mut completed);
        let status = Status::from_header_map(&completed).unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (code, reason));
    }

    #[test]
    fn what_can_not_be_decoded_is_the_callers_mistake() {
        let bare = Status::internal("failed to decode Protobuf message: invalid wire type");
        check(bare, Code::InvalidArgument, "MALFORMED_REQUEST");
    }

    #[test]
    fn every_bare_refusal_gets_its_reason() {
        check(Status::out_of_range("too large"), Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
        check(Status::unimplemented(""), Code::Unimplemented, "UNIMPLEMENTED");
        check(Status::not_found("service not registered"), Code::NotFound, "NOT_FOUND");
        check(Status::unknown("who knows"), Code::Internal, "INTERNAL");
    }

    #[test]
    fn a_refusal_of_ours_and_a_success_stay_as_they_are() {
        let ours = crate::Error::invalid("title", "is too long");
        check(ours.into(), Code::InvalidArgument, "INVALID_FIELD");
        for mut headers in [HeaderMap::new(), headers(Status::ok(""))] {
            let before = headers.clone();
            complete(&mut headers);
            assert_eq!(headers, before);
        }
    }
}
