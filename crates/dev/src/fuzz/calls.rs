//! Requests that are whole HTTP/2, and whose content is not what it should be.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{Method, Request, Uri, request};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::time;

use super::{
    Target,
    messages::{self, Schema, garbage},
    verdict,
};
use crate::wire::{Answer, Wire, with_prefix};

/// How long a whole answer is waited for; streams and waits take longer.
const PATIENCE: Duration = Duration::from_secs(2);

const TYPES: [&str; 9] = [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+json",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/json",
    "text/html; charset=é",
    "application/grpcx",
];

const TIMEOUTS: [&str; 7] = ["1S", "0n", "99999999H", "10m", "-1S", "1", "é"];

const ENCODINGS: [&str; 4] = ["gzip", "identity", "zstd,gzip", "\u{1}"];

const PATHS: [&str; 6] = [
    "/",
    "/tertulia.v1.SessionService",
    "/tertulia.v1.SessionService/GetSession/",
    "/tertulia.v1.SessionService/%00",
    "/../../etc/passwd",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// Sends one request, and judges what comes back.
pub(crate) async fn send(
    target: &Target,
    schema: &Schema,
    random: &mut StdRng,
) -> Result<String, String> {
    let Some(method) = schema.methods.choose(random) else { return Ok("no method".to_owned()) };
    let message = match random.random_range(0..20) {
        0 => messages::nested(random.random_range(1..5_000), random.random_range(1..8)),
        1 => garbage(random, 4_096),
        _ => schema.message(random, &method.input),
    };
    let path = match random.random_bool(0.05) {
        true => PATHS.choose(random).copied().unwrap_or_default().to_owned(),
        false => method.path.clone(),
    };
    let Some(request) = head(target, random, &path) else { return Ok("not sendable".to_owned()) };
    let mut body = body(random, &message);
    if method.is_stream && random.random_bool(0.5) {
        let more = schema.message(random, &method.input);
        body = [body, with_prefix(0, &more)].concat().into();
    }
    let Ok(wire) = Wire::connect(target.address).await else { return Ok("refused".to_owned()) };
    exchange(&wire, random, request, body).await
}

fn head(target: &Target, random: &mut StdRng, path: &str) -> Option<Request<()>> {
    let uri: Uri = format!("http://tertulia{path}").parse().ok()?;
    let method = if random.random_bool(0.97) { Method::POST } else { Method::PUT };
    let usual = random.random_bool(0.8);
    let kind = if usual { TYPES[0] } else { TYPES.choose(random).copied().unwrap_or_default() };
    let mut request = request::Builder::new().method(method).uri(uri).header("content-type", kind);
    if random.random_bool(0.95) {
        request = request.header("authorization", format!("Bearer {}", target.token));
    }
    if random.random_bool(0.3) {
        request = request.header("grpc-timeout", *TIMEOUTS.choose(random)?);
    }
    if random.random_bool(0.1) {
        request = request.header("grpc-encoding", *ENCODINGS.choose(random)?);
    }
    if random.random_bool(0.05) {
        request = request.header("x-padding", "x".repeat(random.random_range(0..60_000)));
    }
    if random.random_bool(0.05) {
        request = request.header("traceparent", "00-zz-1-\u{7f}");
        request = request.header("grpc-trace-bin", "===");
    }
    request.body(()).ok()
}

fn body(random: &mut StdRng, message: &[u8]) -> Bytes {
    match random.random_range(0..20) {
        0 => Bytes::new(),
        1 => with_prefix(1, message),
        2 => with_prefix(random.random(), message),
        3 => [&[0, 0xff, 0xff, 0xff, 0xff][..], message].concat().into(),
        4 => [&[0, 0, 0x3f, 0xff, 0xff][..], message].concat().into(),
        5 => [with_prefix(0, message), with_prefix(0, message)].concat().into(),
        6 => with_prefix(0, message).slice(..random.random_range(0..5)),
        7 => garbage(random, 2_048).into(),
        _ => with_prefix(0, message),
    }
}

async fn exchange(
    wire: &Wire,
    random: &mut StdRng,
    request: Request<()>,
    body: Bytes,
) -> Result<String, String> {
    let Ok((response, mut sender)) = wire.begin(request).await else {
        return Ok("not sendable".to_owned());
    };
    let ends = random.random_bool(0.95);
    let middle = random.random_range(0..=body.len());
    // A server that has answered already takes no more.
    let _ = sender.send_data(body.slice(..middle), false);
    if random.random_bool(0.05) {
        sender.send_reset([Reason::CANCEL, Reason::INTERNAL_ERROR][middle % 2]);
        return Ok("reset".to_owned());
    }
    let _ = sender.send_data(body.slice(middle..), ends);
    match time::timeout(PATIENCE, Answer::take(response)).await {
        Err(_) => Ok("left".to_owned()),
        Ok(Ok(answer)) => verdict::judge(&answer),
        Ok(Err(error)) => match error.reason() {
            Some(Reason::INTERNAL_ERROR) | None => Err(format!("broken off: {error}")),
            Some(reason) => Ok(format!("stream ended by {reason:?}")),
        },
    }
}
