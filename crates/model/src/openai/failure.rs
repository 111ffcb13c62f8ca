//! What can go wrong with one try of a call, and whether the next may go better.

use std::{
    error, fmt,
    time::{Duration, SystemTime},
};

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;

use super::key::ApiKey;
use crate::{Cause, Error};

/// Of what a server says is wrong.
const MAX_MESSAGE_CHARS: usize = 500;
/// Of a code that is shown; two words, for servers give a type besides.
const MAX_CODE_CHARS: usize = 80;

#[derive(Debug)]
pub(super) enum Failure {
    /// The same request may succeed, but not before the wait is over.
    Transient {
        error: Error,
        wait: Option<Duration>,
    },
    /// The server finds fault with the request.
    Rejected(Rejection),
    Final(Error),
}

/// What a server says about a request that it does not accept. Its words may be those
/// of the request: they are compared, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) status: u16,
    pub(super) message: String,
    /// The field that is wrong, if the server names it.
    pub(super) param: String,
    code: String,
}

impl Failure {
    pub(super) fn unreachable(cause: impl Into<Cause>) -> Self {
        Self::Transient { error: Error::Unreachable(cause.into()), wait: None }
    }

    pub(super) fn unusable(cause: impl Into<Cause>) -> Self {
        Self::Final(Error::Unusable(cause.into()))
    }

    pub(super) fn overloaded() -> Self {
        Self::Final(Error::Overloaded)
    }

    pub(super) fn busy(after: Duration) -> Self {
        Self::Final(Error::Busy { after })
    }

    /// What an answer with this status means, that is none of success.
    pub(super) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        key: Option<&ApiKey>,
    ) -> Self {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let rejection = Rejection::read(status.as_u16(), &body, key);
        let wait = wait(headers, SystemTime::now());
        rejection.into_failure(wait)
    }

    /// What an `error` means in the body of an answer that began as a success.
    pub(super) fn within(body: &Value, key: Option<&ApiKey>) -> Self {
        let number = |at: &str| body.pointer(at).and_then(Value::as_u64);
        let status = number("/error/code").or_else(|| number("/error/status"));
        let status = status.and_then(|it| u16::try_from(it).ok());
        let mut rejection = Rejection::read(0, body, key);
        let says = |word: &str| rejection.code.contains(word);
        rejection.status = status.unwrap_or_else(|| {
            if says("rate_limit") || says("overloaded") {
                429
            } else if says("invalid") || says("not_found") || says("authentication") {
                400
            } else {
                500
            }
        });
        rejection.into_failure(None)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.trim();
        let is_code = code.len() <= MAX_CODE_CHARS && code.split_whitespace().count() <= 2;
        match code {
            code if is_code && !code.is_empty() => write!(f, "HTTP {} ({code})", self.status),
            _ => write!(f, "HTTP {}", self.status),
        }
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl error::Error for Rejection {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Transient { error, .. } | Failure::Final(error) => error,
            Failure::Rejected(rejection) => Self::Rejected(rejection.into()),
        }
    }
}

impl Rejection {
    fn read(status: u16, body: &Value, key: Option<&ApiKey>) -> Self {
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").unwrap_or(body);
        let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let message = [error.as_str().unwrap_or_default(), field("message"), field("detail")];
        let message = message.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
        let message = key.map_or_else(|| message.to_owned(), |key| key.masked_in(message));
        Self {
            status,
            message: message.chars().take(MAX_MESSAGE_CHARS).collect(),
            param: field("param").to_owned(),
            code: format!("{} {}", field("code"), field("type")).to_lowercase(),
        }
    }

    fn into_failure(self, wait: Option<Duration>) -> Failure {
        match self.status {
            // No waiting helps against a bill that was not paid.
            429 if self.code.contains("insufficient_quota") => Failure::Rejected(self),
            429 | 503 | 529 => Failure::Transient { error: Error::Overloaded, wait },
            408 | 409 | 425 | 500.. => {
                Failure::Transient { error: Error::Unreachable(self.into()), wait }
            }
            _ => Failure::Rejected(self),
        }
    }
}

/// For how long the server wants to be left alone.
fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok();
    let from = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(milliseconds) = header("retry-after-ms").and_then(number) {
        return from(milliseconds / 1000.0);
    }
    let after = header("retry-after")?;
    if let Some(seconds) = number(after) {
        return from(seconds);
    }
    let date = httpdate::parse_http_date(after).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_wait(header: &'static str, value: &str, expected: Option<Duration>) {
        let mut headers = HeaderMap::new();
        headers.insert(header, value.parse().unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(wait(&headers, now), expected);
    }

    #[test]
    fn a_wait_is_read_in_every_form() {
        check_wait("retry-after", "7", Some(Duration::from_secs(7)));
        check_wait("retry-after", "0.5", Some(Duration::from_millis(500)));
        check_wait("retry-after-ms", "250", Some(Duration::from_millis(250)));
        let date = "Sun, 06 Nov 1994 08:49:47 GMT";
        check_wait("retry-after", date, Some(Duration::from_secs(10)));
        check_wait("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT", Some(Duration::ZERO));
        check_wait("retry-after", "soon", None);
        check_wait("retry-after", "-1", None);
        check_wait("retry-after", "NaN", None);
    }

    #[track_caller]
    fn check_status(status: u16, body: &Value, expected: &str) {
        let status = StatusCode::from_u16(status).unwrap();
        let body = body.to_string();
        let failure = Failure::of(status, &HeaderMap::new(), body.as_bytes(), None);
        check(failure, expected);
    }

    #[track_caller]
    fn check(failure: Failure, expected: &str) {
        let is_transient = matches!(failure, Failure::Transient { .. });
        let error = Error::from(failure);
        assert_eq!(error.is_transient(), is_transient);
        let name = format!("{error:?}");
        assert!(name.starts_with(expected), "{name}");
    }

    #[test]
    fn a_status_tells_whether_to_try_again() {
        let none = Value::Null;
        for status in [408, 409, 425, 500, 502, 504] {
            check_status(status, &none, "Unreachable");
        }
        for status in [429, 503, 529] {
            check_status(status, &none, "Overloaded");
        }
        for status in [301, 307, 400, 401, 402, 403, 404, 413, 422] {
            check_status(status, &none, "Rejected");
        }
        check_status(429, &json!({"error": {"code": "insufficient_quota"}}), "Rejected");
    }

    #[test]
    fn an_error_within_a_success_is_read_like_a_status() {
        let within = |error: Value| Failure::within(&json!({"error": error}), None);
        check(within(json!({"code": 429})), "Overloaded");
        check(within(json!({"code": 502, "message": "x"})), "Unreachable");
        check(within(json!({"type": "rate_limit_exceeded"})), "Overloaded");
        check(within(json!({"type": "invalid_request_error"})), "Rejected");
        check(within(json!({"type": "server_error"})), "Unreachable");
        check(within(json!("it broke")), "Unreachable");
    }

    #[test]
    fn a_rejection_shows_its_code_and_none_of_its_words() {
        let shown = |error: Value| {
            let rejection = Rejection::read(400, &json!({"error": error}), None);
            format!("{rejection} {rejection:?}")
        };
        let error = json!({"code": "too_long", "type": "invalid", "message": "not: my secret"});
        assert_eq!(shown(error), "HTTP 400 (too_long invalid) HTTP 400 (too_long invalid)");
        assert_eq!(shown(json!("not: my secret")), "HTTP 400 HTTP 400");
        assert_eq!(shown(json!({"code": "not: my secret"})), "HTTP 400 HTTP 400");
    }

    #[test]
    fn what_a_server_says_is_bounded_and_holds_no_key() {
        let key = ApiKey::new("sk-1").unwrap();
        let message = format!("wrong key sk-1 {}", "é".repeat(1_000));
        for body in [json!({"error": {"message": message}}), json!([{"error": message}])] {
            let rejection = Rejection::read(401, &body, Some(&key));
            assert!(rejection.message.starts_with("wrong key [redacted] éé"));
            assert_eq!(rejection.message.chars().count(), MAX_MESSAGE_CHARS);
        }
    }
}
