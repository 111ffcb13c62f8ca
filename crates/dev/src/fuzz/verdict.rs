//! What may be answered: canonical statuses, each failure with its reason.

use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::wire::Answer;

/// What an answer was, in short; an error says what is wrong with it.
pub(crate) fn judge(answer: &Answer) -> Result<String, String> {
    let http = answer.http_status.as_u16();
    if !is_grpc(&answer.headers) || http != 200 {
        return if (400..500).contains(&http) {
            Ok(format!("HTTP {http}"))
        } else {
            Err(format!("HTTP {http} without gRPC"))
        };
    }
    let status = answer.status().or_else(|| in_body(&answer.body));
    let Some(status) = status else { return Err("no grpc-status".to_owned()) };
    let Some(info) = status.get_details_error_info() else {
        return match status.code() {
            Code::Ok => Ok("OK".to_owned()),
            code => Err(format!("{code:?} without a reason: {}", status.message())),
        };
    };
    let found = format!("{:?} {}", status.code(), info.reason);
    if info.domain != "tertulia.v1" {
        return Err(format!("{found} of another domain"));
    }
    match status.code() {
        Code::Internal | Code::Unknown | Code::DataLoss => {
            Err(format!("{found}: {}", status.message()))
        }
        _ => Ok(found),
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    value.is_some_and(|it| it.starts_with("application/grpc"))
}

/// gRPC-Web's trailers are a last message of the body, with a flag.
fn in_body(body: &Bytes) -> Option<Status> {
    let mut rest = &body[..];
    while let [flag, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let piece = after.get(..length)?;
        if flag & 0x80 != 0 {
            return Status::from_header_map(&headers(piece));
        }
        rest = &after[length..];
    }
    None
}

fn headers(text: &[u8]) -> HeaderMap {
    let lines = String::from_utf8_lossy(text);
    let lines = lines.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.trim().parse().ok()?)))
        .collect::<HeaderMap>()
}

/// The same for what is answered in HTTP/1.1.
pub(crate) fn judge_text(answer: &[u8]) -> Result<String, String> {
    let Some(rest) = answer.strip_prefix(b"HTTP/1.") else {
        return Ok("no HTTP/1.1".to_owned());
    };
    let status = rest.get(2..5).map(String::from_utf8_lossy).unwrap_or_default();
    if status.starts_with('5') {
        return Err(format!("HTTP/1.1 {status}"));
    }
    Ok(format!("HTTP/1.1 {status}"))
}
