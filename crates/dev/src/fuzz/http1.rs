//! Answers in HTTP/1.1, from what was heard until the end of the connection.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header::TRANSFER_ENCODING};

use crate::wire::Answer;

/// The first answer that is not an interim one; `None` if it is not whole.
pub(super) fn answer(heard: &[u8]) -> Option<Answer> {
    let end = heard.windows(4).position(|it| it == b"\r\n\r\n")?;
    let (head, body) = (&heard[..end + 2], &heard[end + 4..]);
    let line_end = head.iter().position(|it| *it == b'\n')?;
    let line = str::from_utf8(&head[..line_end]).ok()?;
    let code = line.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    let http_status = code.trim().parse::<StatusCode>().ok()?;
    if http_status.is_informational() {
        return answer(body);
    }
    let headers = headers(&head[line_end + 1..]);
    let is_chunked = headers.get(TRANSFER_ENCODING).is_some_and(|it| it == "chunked");
    let body = if is_chunked { joined(body)? } else { body.to_vec() };
    Some(Answer { http_status, headers, body: body.into(), trailers: HeaderMap::new() })
}

/// What stands in chunks; `None` without the last one.
fn joined(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.iter().position(|it| *it == b'\n')?;
        let line = str::from_utf8(&chunks[..end]).ok()?;
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        let rest = &chunks[end + 1..];
        body.extend(rest.get(..length)?);
        chunks = rest.get(length + 2..)?;
    }
}

pub(super) fn headers(text: &[u8]) -> HeaderMap {
    let lines = String::from_utf8_lossy(text);
    let lines = lines.lines().filter_map(|line| line.split_once(':'));
    lines
        .filter_map(|(name, value)| Some((name.parse().ok()?, value.trim().parse().ok()?)))
        .collect::<HeaderMap>()
}

/// The pieces of a body in gRPC's form: a flag and what it stands before. `None` if there is
/// something else.
pub(super) fn pieces(body: &Bytes) -> Option<Vec<(u8, Bytes)>> {
    let mut rest = body.clone();
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let prefix = rest.get(..5)?;
        let (flag, length) = (prefix[0], u32::from_be_bytes(prefix[1..].try_into().ok()?));
        let end = 5 + length as usize;
        rest.get(..end)?;
        pieces.push((flag, rest.split_to(end).slice(5..)));
    }
    Some(pieces)
}
