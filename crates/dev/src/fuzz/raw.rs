//! Saying what a client says, at once or slowly, and listening or not.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use rand::{Rng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time,
};

use super::{Target, api::Api, exchange::not_let_in, frames, http1, replay, report::Seen, verdict};

/// How long a client stays that has said everything.
const STAY: Duration = Duration::from_millis(300);
/// How long a slow writer takes for a byte, and how many it writes before it says the rest.
const SLOWLY: Duration = Duration::from_millis(20);
const SLOW_BYTES: usize = 60;
/// What HTTP/1.1 itself refuses, before it knows whether gRPC is spoken: what can't be read, too
/// long a path, too many headers.
const REFUSED: [u16; 3] = [400, 414, 431];

pub(super) async fn send(target: &Target, api: &Api, random: &mut StdRng) -> Result<Seen, String> {
    let (what, bytes) = frames::hostile(random, &target.token);
    let stream = TcpStream::connect(target.address).await;
    let mut stream = match stream.map_err(anyhow::Error::from) {
        Ok(stream) => stream,
        Err(error) => return not_let_in(&error),
    };
    let (is_slow, listens) = (random.random_bool(0.05), random.random_bool(0.9));
    let mut heard = Vec::new();
    let (mut from, mut to) = stream.split();
    let exchanged = time::timeout(STAY + SLOWLY * if is_slow { 60 } else { 0 }, async {
        let listening = async {
            if listens {
                let _ = from.read_to_end(&mut heard).await;
            }
        };
        tokio::join!(say(&mut to, &bytes, is_slow), listening)
    });
    // Most are hung up on, or left.
    let _ = exchanged.await;
    let judged = match heard.starts_with(b"HTTP/1.") {
        true => judge_text(api, &heard),
        false => replay::judge(api, &heard).await.map(|count| match count {
            0 => Seen::other("HTTP/2"),
            _ => Seen::other("HTTP/2 with answers"),
        }),
    };
    judged.map(|seen| seen.of(what)).map_err(|wrong| format!("{what}: {wrong}"))
}

/// It may be hung up on at any time.
async fn say(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8], slowly: bool) {
    let (first, rest) = bytes.split_at(if slowly { SLOW_BYTES.min(bytes.len()) } else { 0 });
    for byte in first {
        let _ = to.write_all(&[*byte]).await;
        time::sleep(SLOWLY).await;
    }
    let _ = to.write_all(rest).await;
}

fn judge_text(api: &Api, heard: &[u8]) -> Result<Seen, String> {
    let Some(answer) = http1::answer(heard) else { return Ok(Seen::other("half an answer")) };
    let http = answer.http_status.as_u16();
    let is_preflight = http == 200 && !answer.headers.contains_key(CONTENT_TYPE);
    if answer.status().is_none() && (is_preflight || REFUSED.contains(&http)) {
        return Ok(Seen::other(&format!("HTTP/1.1 {http}")));
    }
    verdict::judge(api, None, &answer)
}
