//! Requests that are whole HTTP/2, and whose content is not what it should be.

use bytes::Bytes;
use h2::Reason;
use http::{HeaderValue, Method as Verb, Request, Uri, request};
use prost::Message as _;
use proto::v1 as pb;
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    Target,
    api::{Api, Method},
    messages::{self, garbage},
};
use crate::wire::with_prefix;

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

const TIMEOUTS: [&[u8]; 7] = [b"1S", b"0n", b"99999999H", b"10m", b"-1S", b"1", b"\xff\xfe"];

const ENCODINGS: [&str; 4] = ["gzip", "identity", "zstd,gzip", "é"];

const PATHS: [&str; 6] = [
    "/",
    "/tertulia.v1.SessionService",
    "/tertulia.v1.SessionService/GetSession/",
    "/tertulia.v1.SessionService/%00",
    "/../../etc/passwd",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
];

/// How a client ends what it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    /// Not at all.
    Open,
    Reset(Reason),
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// What it asks for, if there is such a method.
    pub(super) method: Option<&'a Method>,
    pub(super) request: Request<()>,
    pub(super) body: Bytes,
    /// Where the body is cut in two.
    pub(super) middle: usize,
    pub(super) end: End,
    /// Whether a right answer may take longer than anyone has patience.
    pub(super) may_wait: bool,
}

impl<'a> Call<'a> {
    /// `None` for one that can't be sent.
    pub(super) fn any(target: &Target, api: &'a Api, random: &mut StdRng) -> Option<Self> {
        let method = api.methods.choose(random)?;
        let message = content(api, random, method);
        let mut body = body(random, &message);
        if method.is_stream && random.random_bool(0.5) {
            let more = api.message(random, &method.input);
            body = [body, with_prefix(0, &more)].concat().into();
        }
        let is_known = random.random_bool(0.95);
        let path = if is_known { &method.path } else { *PATHS.choose(random)? };
        Some(Self {
            method: is_known.then_some(method),
            request: head(target, random, path)?,
            middle: random.random_range(0..=body.len()),
            end: end(random),
            may_wait: may_wait(method, &message),
            body,
        })
    }
}

pub(super) fn content(api: &Api, random: &mut StdRng, method: &Method) -> Vec<u8> {
    match random.random_range(0..20) {
        0 => messages::nested(random.random_range(1..5_000), random.random_range(1..8)),
        1 => garbage(random, 4_096),
        _ => api.message(random, &method.input),
    }
}

/// Whether the service is asked to wait for something, or to go on telling.
pub(super) fn may_wait(method: &Method, message: &[u8]) -> bool {
    match method.path.rsplit('/').next() {
        Some("WaitRun" | "WatchRun") => true,
        Some("StartRun") => {
            pb::StartRunRequest::decode(message).is_ok_and(|request| request.wait.is_some())
        }
        _ => false,
    }
}

fn end(random: &mut StdRng) -> End {
    match random.random_range(0..20) {
        0 => End::Open,
        1 => End::Reset([Reason::CANCEL, Reason::INTERNAL_ERROR][random.random_range(0..2)]),
        _ => End::Whole,
    }
}

fn head(target: &Target, random: &mut StdRng, path: &str) -> Option<Request<()>> {
    let uri: Uri = format!("http://tertulia{path}").parse().ok()?;
    let verb = if random.random_bool(0.97) { Verb::POST } else { Verb::PUT };
    let usual = random.random_bool(0.8);
    let kind = if usual { TYPES[0] } else { *TYPES.choose(random)? };
    let kind = HeaderValue::from_bytes(kind.as_bytes()).ok()?;
    let mut request = request::Builder::new().method(verb).uri(uri).header("content-type", kind);
    if random.random_bool(0.95) {
        request = request.header("authorization", format!("Bearer {}", target.token));
    }
    if random.random_bool(0.3) {
        request = request.header("grpc-timeout", *TIMEOUTS.choose(random)?);
    }
    if random.random_bool(0.1) {
        request = request.header("grpc-encoding", ENCODINGS.choose(random)?.as_bytes());
    }
    if random.random_bool(0.05) {
        request = request.header("x-padding", "x".repeat(random.random_range(0..60_000)));
    }
    if random.random_bool(0.05) {
        request = request.header("traceparent", &b"00-zz-1-\xff\xfe"[..]);
        request = request.header("grpc-trace-bin", "===");
    }
    request.body(()).ok()
}

pub(super) fn body(random: &mut StdRng, message: &[u8]) -> Bytes {
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
