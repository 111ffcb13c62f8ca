//! A server that is a real one up to a point, and then anything but.

use std::{future, io, time::Duration};

use data_source::{
    Source,
    source::{Reach, SslMode, Tls},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What the server answers to a request, or does instead.
pub(super) enum Answer {
    /// The next request is answered too.
    Bytes(Vec<u8>),
    ThenSilence(Vec<u8>),
    ThenClose(Vec<u8>),
    /// The first, and then the second for ever.
    ThenEndless(Vec<u8>, Vec<u8>),
    /// A byte at a time.
    Trickle(Vec<u8>),
}

/// Answers the requests that follow on the one that the lies begin with, from 0.
pub(super) type Lie = fn(usize) -> Answer;

/// A source whose server lies as soon as it is sent `trigger`; at once if that is
/// empty. Every connection is answered so.
pub(super) async fn lying(source: &Source, trigger: &'static str, lie: Lie) -> Source {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let upstream = (source.host.clone(), source.port);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, upstream.clone(), trigger, lie));
        }
    });
    Source {
        host: "127.0.0.1".to_owned(),
        port,
        tls: Tls { mode: SslMode::Disable, ca_pem: None },
        reach: Reach::Trusted,
        ..source.clone()
    }
}

async fn serve(client: TcpStream, upstream: (String, u16), trigger: &str, lie: Lie) {
    let is_login = trigger.is_empty();
    // The client may hang up at any time.
    let _ = match is_login {
        true => tell_lies(client, Vec::new(), is_login, lie).await,
        false => match truth(client, upstream, trigger).await {
            Ok((client, requests)) => tell_lies(client, requests, is_login, lie).await,
            Err(gone) => Err(gone),
        },
    };
}

/// Passes everything on until the client says `trigger`, and returns what it said.
async fn truth(
    mut client: TcpStream,
    upstream: (String, u16),
    trigger: &str,
) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut upstream = TcpStream::connect(upstream).await?;
    // A request comes in one piece.
    let (mut asked, mut answered) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
    loop {
        tokio::select! {
            read = client.read_buf(&mut asked) => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if String::from_utf8_lossy(&asked).contains(trigger) {
                    return Ok((client, asked));
                }
                upstream.write_all(&asked).await?;
                asked.clear();
            }
            read = upstream.read_buf(&mut answered) => {
                if read? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                client.write_all(&answered).await?;
                answered.clear();
            }
        }
    }
}

async fn tell_lies(
    mut client: TcpStream,
    mut requests: Vec<u8>,
    mut is_login: bool,
    lie: Lie,
) -> io::Result<()> {
    for number in 0.. {
        while !take_request(&mut requests, &mut is_login) {
            if client.read_buf(&mut requests).await? == 0 {
                return Ok(());
            }
        }
        match lie(number) {
            Answer::Bytes(bytes) => client.write_all(&bytes).await?,
            Answer::ThenSilence(bytes) => {
                client.write_all(&bytes).await?;
                future::pending().await
            }
            Answer::ThenClose(bytes) => return client.write_all(&bytes).await,
            Answer::ThenEndless(bytes, more) => {
                client.write_all(&bytes).await?;
                loop {
                    client.write_all(&more).await?;
                }
            }
            Answer::Trickle(bytes) => {
                for byte in bytes.into_iter().cycle() {
                    client.write_all(&[byte]).await?;
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
    Ok(())
}

/// Takes the messages of one request off the front, up to the one that asks for an
/// answer.
fn take_request(bytes: &mut Vec<u8>, is_start: &mut bool) -> bool {
    let header = if *is_start { 0 } else { 1 };
    let mut at = 0;
    while let Some((length, _)) = bytes.get(at + header..).and_then(<[u8]>::split_first_chunk) {
        let length = u32::from_be_bytes(*length) as usize;
        let end = at + header + length;
        if bytes.len() < end {
            return false;
        }
        // A password ends its request too.
        let asks = *is_start || matches!(bytes[at], b'Q' | b'S' | b'p');
        at = end;
        if asks {
            *is_start = false;
            bytes.drain(..at);
            return true;
        }
    }
    false
}

fn length_of<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("lies are short")
}

pub(super) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = length_of(body) + 4;
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

/// The beginning of a message that claims to be this long.
pub(super) fn claim(tag: u8, length: u32) -> Vec<u8> {
    [&[tag][..], &length.to_be_bytes()].concat()
}

pub(super) fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

pub(super) fn complete() -> Vec<u8> {
    message(b'C', b"SELECT 1\0")
}

pub(super) fn logged_in() -> Vec<u8> {
    message(b'R', &0_u32.to_be_bytes())
}

pub(super) fn notice() -> Vec<u8> {
    message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mwhat you may not want to know\0\0")
}

/// Columns of these types.
pub(super) fn columns(types: &[u32]) -> Vec<u8> {
    let mut body = length_of(types).to_be_bytes()[2..].to_vec();
    for oid in types {
        body.extend_from_slice(b"c\0\0\0\0\0\0\0");
        body.extend_from_slice(&oid.to_be_bytes());
        body.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
    }
    message(b'T', &body)
}

pub(super) fn row(values: &[&[u8]]) -> Vec<u8> {
    let mut body = length_of(values).to_be_bytes()[2..].to_vec();
    for value in values {
        body.extend_from_slice(&length_of(value).to_be_bytes());
        body.extend_from_slice(value);
    }
    message(b'D', &body)
}

/// The beginning of an answer to a statement with columns of these types.
pub(super) fn executing(types: &[u32]) -> Vec<u8> {
    let parameters = message(b't', &[0, 0]);
    [message(b'1', b""), message(b'2', b""), parameters, columns(types)].concat()
}
