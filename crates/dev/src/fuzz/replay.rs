//! Reads what a service said in HTTP/2 to a client that was none: says it again to one that is,
//! and looks at what that one makes of it.

use bytes::Bytes;
use h2::client::Builder;
use http::Request;
use tokio::{
    io::{self, AsyncWriteExt as _},
    time,
};

use super::{api::Api, exchange::SOME, verdict};
use crate::wire::{Answer, Wire};

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
/// The code of HTTP/2 for a fault of the one who says it.
const INTERNAL_ERROR: [u8; 4] = [0, 0, 0, 2];
/// What a client has open at most before it is told how much it may.
const MAX_STREAMS: usize = 100;
const WINDOW: u32 = 1 << 24;

/// How many whole answers there are; an error says what is wrong with one.
pub(super) async fn judge(api: &Api, said: &[u8]) -> Result<usize, String> {
    let mut streams = 0;
    for frame in frames(said)? {
        match frame.kind {
            HEADERS => streams = streams.max(frame.stream.div_ceil(2)),
            RST_STREAM if frame.payload == INTERNAL_ERROR => {
                return Err("a stream reset by INTERNAL_ERROR".to_owned());
            }
            GOAWAY if frame.payload.get(4..8) == Some(&INTERNAL_ERROR) => {
                return Err("a connection ended by INTERNAL_ERROR".to_owned());
            }
            _ => (),
        }
    }
    let mut count = 0;
    for answer in answers(said, streams.min(MAX_STREAMS)).await {
        verdict::judge(api, None, &answer)?;
        count += 1;
    }
    Ok(count)
}

struct Frame<'a> {
    kind: u8,
    stream: usize,
    payload: &'a [u8],
}

/// Whole frames; the last may have been cut off.
fn frames(mut said: &[u8]) -> Result<Vec<Frame<'_>>, String> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, e, f, g, h, rest @ ..] = said {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else { break };
        let stream = u32::from_be_bytes([*e, *f, *g, *h]) as usize;
        frames.push(Frame { kind: *kind, stream, payload });
        said = rest;
    }
    Ok(frames)
}

/// The answers that are whole, to a client that has asked as often.
async fn answers(said: &[u8], streams: usize) -> Vec<Answer> {
    if streams == 0 {
        return Vec::new();
    }
    let (ours, theirs) = io::duplex(said.len() + WINDOW as usize);
    let mut builder = Builder::new();
    builder.initial_window_size(WINDOW).initial_connection_window_size(WINDOW);
    let Ok(wire) = Wire::over(ours, &builder).await else { return Vec::new() };
    let mut responses = Vec::new();
    for _ in 0..streams {
        let request: Request<()> = Request::default();
        if let Ok((response, mut sender)) = wire.begin(request).await {
            let _ = sender.send_data(Bytes::new(), true);
            responses.push(response);
        }
    }
    let (mut from, mut to) = io::split(theirs);
    let listening = tokio::spawn(async move { io::copy(&mut from, &mut io::sink()).await });
    // After the end of it nothing is waited for.
    let _ = to.write_all(said).await;
    let _ = to.shutdown().await;
    let mut answers = Vec::new();
    for response in responses {
        if let Ok(Ok(answer)) = time::timeout(SOME, Answer::take(response)).await {
            answers.push(answer);
        }
    }
    listening.abort();
    answers
}
