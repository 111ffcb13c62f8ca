//! What may be answered: canonical statuses, each failure with its reason, and each success with
//! what its method returns.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    api::{Api, Method},
    http1::{headers, pieces},
    report::Seen,
};
use crate::wire::Answer;

const DOMAIN: &str = "tertulia.v1";
/// The flag of gRPC-Web's trailers, which are a last message of the body.
const TRAILERS: u8 = 0x80;

/// What an answer was, in short; an error says what is wrong with it.
pub(super) fn judge(api: &Api, method: Option<&Method>, answer: &Answer) -> Result<Seen, String> {
    let http = answer.http_status.as_u16();
    let body = body(answer).ok_or("a body that can't be read")?;
    let status = answer.status().or_else(|| in_body(&body));
    let Some(status) = status else {
        // As docs/errors.md says of headers that are far too large.
        return if http == 431 {
            Ok(Seen::other("HTTP 431"))
        } else {
            Err(format!("HTTP {http} without a grpc-status"))
        };
    };
    if http == 200 && !content_type(&answer.headers).starts_with("application/grpc") {
        return Err(format!("{:?} that is not gRPC", status.code()));
    }
    match (http, status.code()) {
        (200, Code::Ok) => judge_messages(api, method, &body),
        (200, _) | (405 | 415, Code::InvalidArgument) => judge_failure(api, &status),
        (_, code) => Err(format!("HTTP {http} with {code:?}")),
    }
}

fn judge_messages(
    api: &Api,
    method: Option<&Method>,
    body: &[(u8, Bytes)],
) -> Result<Seen, String> {
    let messages: Vec<&Bytes> =
        body.iter().filter(|(flag, _)| *flag == 0).map(|(_, message)| message).collect();
    if let Some(method) = method {
        if !method.returns_stream && messages.len() != 1 {
            return Err(format!("OK with {} messages: {}", messages.len(), method.path));
        }
        for message in messages {
            let checked = api.check_message(&method.output, message);
            checked.map_err(|wrong| format!("OK, but {wrong}: {}", method.path))?;
        }
    }
    Ok(Seen::status(Code::Ok, "OK".to_owned()))
}

fn judge_failure(api: &Api, status: &Status) -> Result<Seen, String> {
    let code = status.code();
    let Some(info) = status.get_details_error_info() else {
        return Err(format!("{code:?} without a reason: {}", status.message()));
    };
    let found = format!("{code:?} {}", info.reason);
    if info.domain != DOMAIN {
        return Err(format!("{found} of another domain"));
    }
    match code {
        Code::Internal | Code::Unknown | Code::DataLoss => {
            return Err(format!("{found}: {}", status.message()));
        }
        _ => (),
    }
    match api.code_of(&info.reason) {
        Some(its) if its == code => Ok(Seen::status(code, found)),
        Some(its) => Err(format!("{found}, whose code is {its:?}")),
        None => Err(format!("{found}, which is not in the catalogue")),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

/// The messages of an answer; `None` if they can't be told apart.
fn body(answer: &Answer) -> Option<Vec<(u8, Bytes)>> {
    if content_type(&answer.headers).starts_with("application/grpc-web-text") {
        // Each piece is encoded, and padded, by itself.
        let quanta = answer.body.chunks(4).map(|it| BASE64_STANDARD.decode(it));
        return pieces(&quanta.collect::<Result<Vec<_>, _>>().ok()?.concat().into());
    }
    match answer.http_status.as_u16() {
        200 => pieces(&answer.body),
        _ => Some(Vec::new()),
    }
}

fn in_body(body: &[(u8, Bytes)]) -> Option<Status> {
    let (_, trailers) = body.iter().find(|(flag, _)| flag & TRAILERS != 0)?;
    Status::from_header_map(&headers(trailers))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::StatusCode;
    use proto::v1 as pb;
    use tonic_types::ErrorDetails;

    use super::*;
    use crate::wire::framed;

    fn failure(code: Code, reason: &str, domain: &str) -> Answer {
        let details = ErrorDetails::with_error_info(reason, domain, HashMap::new());
        let response = Status::with_error_details(code, "a message", details).into_http::<()>();
        let (http_status, headers) = (response.status(), response.headers().clone());
        Answer { http_status, headers, body: Bytes::new(), trailers: HeaderMap::new() }
    }

    fn success(body: Bytes) -> Answer {
        let headers = Status::ok("").into_http::<()>().headers().clone();
        let (http_status, trailers) = (StatusCode::OK, HeaderMap::new());
        Answer { http_status, headers, body, trailers }
    }

    #[track_caller]
    fn check_wrong(answer: &Answer, what: &str) {
        let api = Api::load().unwrap();
        let method = api.methods.iter().find(|it| it.path.ends_with("/ListSessions"));
        let wrong = judge(&api, method, answer).unwrap_err();
        assert!(wrong.contains(what), "{wrong}");
    }

    #[test]
    fn what_a_client_can_use_is_right() {
        let api = Api::load().unwrap();
        let method = api.methods.iter().find(|it| it.path.ends_with("/ListSessions"));
        let mut refused = failure(Code::InvalidArgument, "INVALID_FIELD", DOMAIN);
        judge(&api, method, &refused).unwrap();
        refused.http_status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        judge(&api, method, &refused).unwrap();
        judge(&api, method, &success(framed(&pb::ListSessionsResponse::default()))).unwrap();
    }

    #[test]
    fn a_failure_has_a_reason_of_the_catalogue_and_its_code() {
        check_wrong(&failure(Code::Internal, "INTERNAL", DOMAIN), "Internal");
        check_wrong(&failure(Code::NotFound, "NO_SUCH_REASON", DOMAIN), "catalogue");
        check_wrong(&failure(Code::NotFound, "INVALID_FIELD", DOMAIN), "whose code");
        check_wrong(&failure(Code::NotFound, "NOT_FOUND", "example.com"), "another domain");
        let mut bare = failure(Code::InvalidArgument, "INVALID_FIELD", DOMAIN);
        bare.headers.remove("grpc-status-details-bin");
        check_wrong(&bare, "without a reason");
    }

    #[test]
    fn a_refusal_in_http_alone_is_wrong() {
        let mut answer = failure(Code::InvalidArgument, "INVALID_FIELD", DOMAIN);
        answer.http_status = StatusCode::BAD_GATEWAY;
        check_wrong(&answer, "HTTP 502");
        answer.http_status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        answer.headers.clear();
        check_wrong(&answer, "HTTP 415 without");
    }

    #[test]
    fn a_success_is_what_its_method_returns() {
        check_wrong(&success(Bytes::new()), "0 messages");
        check_wrong(&success(Bytes::from_static(b"\0\0\0\0\x02\xff\xff")), "it is no");
        check_wrong(&success(Bytes::from_static(b"\0\0\0\0\x09")), "can't be read");
    }
}
