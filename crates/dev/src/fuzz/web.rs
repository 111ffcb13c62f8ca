//! gRPC-Web over HTTP/1.1, as a page sends it, or nearly.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::{
    Target,
    api::Api,
    calls::{body, content, may_wait},
    exchange::{PATIENCE, SOME, not_let_in},
    http1,
    report::Seen,
    verdict,
};

const TYPES: [&str; 4] = ["grpc-web", "grpc-web+proto", "grpc-web-text", "grpc-web-text+proto"];
/// How long a piece of a body in pieces is, at most, and how many there are.
const PIECE: usize = 10_000;
const PIECES: usize = 1_000;

pub(super) async fn send(target: &Target, api: &Api, random: &mut StdRng) -> Result<Seen, String> {
    let Some(method) = api.methods.choose(random) else { return Ok(Seen::other("no method")) };
    let message = content(api, random, method);
    let mut body = body(random, &message).to_vec();
    let kind = *TYPES.choose(random).unwrap_or(&TYPES[0]);
    if kind.contains("text") && random.random_bool(0.9) {
        body = BASE64_STANDARD.encode(body).into_bytes();
    }
    let mut said = said(target, random, &method.path, kind, &body);
    let is_whole = random.random_bool(0.9);
    if !is_whole {
        said.truncate(random.random_range(0..said.len()));
    }
    let stream = TcpStream::connect(target.address).await;
    let mut stream = match stream.map_err(anyhow::Error::from) {
        Ok(stream) => stream,
        Err(error) => return not_let_in(&error),
    };
    let is_owed = is_whole && !may_wait(method, &message);
    let patience = if is_owed { PATIENCE } else { SOME };
    match time::timeout(patience, exchange(&mut stream, &said)).await {
        Err(_) if is_owed => Err(format!("not answered in HTTP/1.1: {}", method.path)),
        Err(_) => Ok(Seen::other("web: left")),
        Ok(heard) => match http1::answer(&heard) {
            Some(answer) => verdict::judge(api, Some(method), &answer).map(|seen| seen.of("web")),
            None if is_whole => Err(format!("hung up on in HTTP/1.1: {}", method.path)),
            None => Ok(Seen::other("web: cut off")),
        },
    }
}

/// Says all, and listens to the end.
async fn exchange(stream: &mut TcpStream, said: &[u8]) -> Vec<u8> {
    let mut heard = Vec::new();
    let (mut from, mut to) = stream.split();
    // One that has answered already may take no more.
    let _ = tokio::join!(to.write_all(said), from.read_to_end(&mut heard));
    heard
}

fn said(target: &Target, random: &mut StdRng, path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let token = &target.token;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: tertulia\r\nauthorization: Bearer {token}\r\n\
         content-type: application/{kind}\r\nx-grpc-web: 1\r\nconnection: close\r\n"
    );
    if random.random_bool(0.5) {
        let length = format!("content-length: {}\r\n\r\n", body.len());
        return [head.as_bytes(), length.as_bytes(), body].concat();
    }
    let mut said = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
    let length = random.random_range(1..=PIECE).max(body.len() / PIECES);
    for piece in body.chunks(length) {
        said.extend(format!("{:x}\r\n", piece.len()).bytes());
        said.extend(piece);
        said.extend(b"\r\n");
    }
    said.extend(b"0\r\n\r\n");
    said
}
