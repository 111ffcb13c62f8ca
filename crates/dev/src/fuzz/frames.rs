//! What is not HTTP/2, or not as it should be: frames by hand.

use rand::{Rng as _, rngs::StdRng};

use super::messages::garbage;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const INITIAL_WINDOW_SIZE: [u8; 2] = [0, 4];

/// What a client says on a connection, all of it.
pub(super) fn hostile(random: &mut StdRng, token: &str) -> (&'static str, Vec<u8>) {
    let first = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let after = |frames: Vec<u8>| [first.clone(), frames].concat();
    // After what is allowed, if only just, requests are still answered.
    let then_asks = |frames: Vec<u8>| [first.clone(), frames, request(token, 1)].concat();
    match random.random_range(0..16) {
        0 => ("garbage", garbage(random, 4_096)),
        1 => ("half a preface", PREFACE[..random.random_range(0..24)].to_vec()),
        2 => ("a preface and garbage", [PREFACE, &garbage(random, 4_096)].concat()),
        3 => ("random frames", after(random_frames(random))),
        4 => ("a flood of continuations", after(continuations(random))),
        5 => ("rapid resets", after(rapid_resets(token))),
        6 => ("no window", no_window(token)),
        7 => ("too large a window", after(frame(WINDOW_UPDATE, 0, 0, &[0x7f; 4]).repeat(3))),
        8 => ("a flood of pings", then_asks(frame(PING, 0, 0, &[7; 8]).repeat(2_000))),
        9 => ("a flood of settings", then_asks(frame(SETTINGS, 0, 0, &[]).repeat(2_000))),
        10 => ("a flood of nothing", after(empty_data(token))),
        11 => (
            "a flood of priorities",
            then_asks(frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1]).repeat(2_000)),
        ),
        12 => ("a frame that is too long", after(vec![0xff, 0xff, 0xff, DATA, 0, 0, 0, 0, 1])),
        13 => (
            "headers that can't be read",
            after(frame(HEADERS, END_HEADERS, 1, &garbage(random, 512))),
        ),
        14 => ("streams that go backwards", after([request(token, 5), request(token, 3)].concat())),
        _ => ("text", text(random, token)),
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("frames are small").to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

fn random_frames(random: &mut StdRng) -> Vec<u8> {
    let frames = (0..random.random_range(1..50)).flat_map(|_| {
        let payload = garbage(random, 256);
        frame(random.random_range(0..12), random.random(), random.random_range(0..8), &payload)
    });
    frames.collect()
}

fn header(name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| {
        // Of seven bits; a longer one goes on in the bytes that follow.
        let length = text.len();
        let mut bytes = match length {
            0..127 => vec![length as u8],
            _ => {
                let rest = length - 127;
                vec![127, (rest % 128) as u8 | 0x80, (rest / 128) as u8]
            }
        };
        bytes.extend(text.bytes());
        bytes
    };
    [vec![0], text(name), text(value)].concat()
}

fn request_headers(token: &str) -> Vec<u8> {
    [
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", "/tertulia.v1.SessionService/ListSessions"),
        header(":authority", "tertulia"),
        header("content-type", "application/grpc"),
        header("authorization", &format!("Bearer {token}")),
    ]
    .concat()
}

/// The beginning of a request.
fn begin(token: &str, stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &request_headers(token))
}

/// A whole request.
fn request(token: &str, stream: u32) -> Vec<u8> {
    [begin(token, stream), frame(DATA, END_STREAM, stream, &[0; 5])].concat()
}

fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|n| 2 * n + 1)
}

fn continuations(random: &mut StdRng) -> Vec<u8> {
    let some = header("x-flood", &"x".repeat(random.random_range(0..1_000)));
    let more = frame(CONTINUATION, 0, 1, &some).repeat(1_000);
    [frame(HEADERS, 0, 1, &some), more].concat()
}

fn rapid_resets(token: &str) -> Vec<u8> {
    let cancel = [0, 0, 0, 8];
    streams(1_000)
        .flat_map(|it| [begin(token, it), frame(RST_STREAM, 0, it, &cancel)].concat())
        .collect()
}

/// Requests whose answers are never taken.
fn no_window(token: &str) -> Vec<u8> {
    let none = [&INITIAL_WINDOW_SIZE[..], &[0; 4]].concat();
    let first = [PREFACE, &frame(SETTINGS, 0, 0, &none)].concat();
    [first, streams(100).flat_map(|it| request(token, it)).collect()].concat()
}

fn empty_data(token: &str) -> Vec<u8> {
    [begin(token, 1), frame(DATA, 0, 1, &[]).repeat(5_000)].concat()
}

/// HTTP/1.1, or nearly.
fn text(random: &mut StdRng, token: &str) -> Vec<u8> {
    let path = "/tertulia.v1.SessionService/ListSessions";
    let many = "x-many: 1\r\n".repeat(2_000);
    let texts = [
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "GET /\r\n\r\n".to_owned(),
        format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(100_000)),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0"),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/grpc-web\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/grpc-web-text\r\ncontent-length: 8\r\n\r\n!!!!====" ),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/grpc-web\r\ncontent-length: 4\r\n\r\n\0\0\0\0"),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        "OPTIONS * HTTP/1.1\r\nhost: a\r\norigin: https://evil.example\r\naccess-control-request-method: POST\r\n\r\n".to_owned(),
        "\r\n\r\n\r\nGET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("POST {path} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n"),
    ];
    texts[random.random_range(0..texts.len())].clone().into_bytes()
}
