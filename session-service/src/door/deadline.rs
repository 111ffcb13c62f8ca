//! Deadlines: those that callers set with `grpc-timeout`, for the whole of a call.

use std::time::Duration;

use axum::response::Response;
use http::HeaderMap;
use tokio::time::Instant;

use super::{answer::Answer, until::Until};
use crate::Error;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// How much time the request that this task works on has left, if that is bounded.
pub(crate) fn remaining() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

/// Ends the work after so long, and has it know.
pub(super) async fn keep(
    timeout: Duration,
    work: impl Future<Output = Result<Response<Answer>, Error>>,
) -> Result<Response<Answer>, Error> {
    let deadline = Instant::now() + timeout;
    let until = Until::new(deadline, || Error::DeadlineExceeded);
    until.keep(DEADLINE.scope(deadline, work)).await
}

/// Reads `grpc-timeout`: at most eight digits and a unit.
pub(super) fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Error> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let parsed = value.to_str().ok().and_then(parse);
    parsed.map(Some).ok_or_else(|| {
        Error::invalid("grpc-timeout", "must be 1 to 8 digits and one of H, M, S, m, u, n")
    })
}

fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_digits_and_a_unit() {
        assert_eq!(parse("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(parse("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for bad in ["", "1", "m", "-1m", "+1m", "1x", "123456789m", "1é", " 1m", "1.5S"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
