//! The framework's own refusals, in the form of ours: a canonical code and an
//! `ErrorInfo`.

use std::collections::HashMap;

use axum::response::Response;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::error::{DOMAIN, reason};

/// Completes a response that is an error without details.
pub(super) async fn complete(mut response: Response) -> Response {
    let bare = Status::from_header_map(response.headers())
        .filter(|status| status.code() != Code::Ok && status.details().is_empty());
    if let Some(bare) = bare {
        // It fails for a message that is no header's value; ours are plain text.
        let _ = canonical(&bare).add_header(response.headers_mut());
    }
    response
}

fn canonical(bare: &Status) -> Status {
    let message = bare.message();
    let (reason, message) = match bare.code() {
        Code::Internal if message.starts_with("failed to decode Protobuf message") => {
            (reason::MALFORMED_REQUEST, "the request is not a message of its type")
        }
        Code::InvalidArgument => (reason::MALFORMED_REQUEST, message),
        Code::OutOfRange => (reason::MESSAGE_TOO_LARGE, message),
        Code::Unimplemented if message.is_empty() => {
            (reason::UNIMPLEMENTED, "there is no such method")
        }
        Code::Unimplemented => (reason::UNIMPLEMENTED, message),
        Code::Cancelled => (reason::CANCELLED, "the request was cancelled"),
        Code::DeadlineExceeded => (reason::DEADLINE_EXCEEDED, message),
        Code::NotFound => (reason::NOT_FOUND, message),
        _ => (reason::INTERNAL, Code::Internal.description()),
    };
    let details = ErrorDetails::with_error_info(reason.name, DOMAIN, HashMap::new());
    Status::with_error_details(reason.code, message, details)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[track_caller]
    fn check(bare: Status, code: Code, reason: &str) {
        let completed = block_on(complete(bare.into_http()));
        let status = Status::from_header_map(completed.headers()).unwrap();
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
    }

    #[test]
    fn a_refusal_of_ours_and_a_response_stay_as_they_are() {
        let ours = crate::Error::invalid("title", "is too long");
        check(ours.into(), Code::InvalidArgument, "INVALID_FIELD");
        assert!(block_on(complete(Response::default())).headers().is_empty());
    }
}
