//! What is written to a connection goes out at once for all that was done on it in one go: an
//! answer's headers, message and trailers are one system call instead of two, and so are those
//! of several answers.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time,
};

/// With so much nothing is added. Whoever writes waits for the client then.
const MAX_BYTES: usize = 64 * 1024;

/// A stream that gathers what is written, until [`Outgoing::drive`] sends it.
#[derive(Debug)]
pub(super) struct Gathered<S>(Arc<Mutex<State<S>>>);

/// The other end of a [`Gathered`].
#[derive(Debug)]
pub(super) struct Outgoing<S>(Arc<Mutex<State<S>>>);

#[derive(Debug)]
struct State<S> {
    stream: S,
    bytes: Vec<u8>,
    /// How many of these are sent.
    sent: usize,
    is_flushed: bool,
}

pub(super) fn gather<S>(stream: S) -> (Gathered<S>, Outgoing<S>) {
    let state = Arc::new(Mutex::new(State::new(stream)));
    (Gathered(Arc::clone(&state)), Outgoing(state))
}

impl<S: AsyncWrite + Unpin> Outgoing<S> {
    /// Lets the connection on the stream go on to its end, and sends what that brings.
    pub(super) async fn drive<C: Future>(&self, mut connection: Pin<&mut C>) {
        poll_fn(|context| {
            let polled = connection.as_mut().poll(context);
            match self.poll_send(context) {
                Poll::Ready(Err(_)) => Poll::Ready(()),
                _ => polled.map(drop),
            }
        })
        .await;
    }

    /// While it is pending, the task is woken when the client takes more.
    fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_send(context)
    }

    /// Sends what a connection has left behind at its end. HTTP/1.1 takes an answer to be sent once
    /// it is written here, and may end while its client is still busy taking it.
    pub(super) async fn send_rest(&self, patience: Duration) {
        let sent = time::timeout(patience, poll_fn(|context| self.poll_send(context)));
        if !matches!(sent.await, Ok(Ok(()))) {
            tracing::debug!("the end of an answer was not taken");
        }
    }
}

impl<S> State<S> {
    fn new(stream: S) -> Self {
        Self { stream, bytes: Vec::new(), sent: 0, is_flushed: true }
    }
}

impl<S: AsyncWrite + Unpin> State<S> {
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        while self.sent < self.bytes.len() {
            let rest = &self.bytes[self.sent..];
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        // A connection that is silent keeps no memory for what it may say.
        (self.bytes, self.sent) = (Vec::new(), 0);
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.is_flushed = true;
        Poll::Ready(Ok(()))
    }

    /// Waits while there is too much.
    fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.bytes.len() < MAX_BYTES { Poll::Ready(Ok(())) } else { self.poll_send(context) }
    }
}

fn lock<S>(state: &Mutex<State<S>>) -> MutexGuard<'_, State<S>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut lock(&self.0).stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[io::IoSlice::new(bytes)])
    }

    /// Leaves it to [`Outgoing::drive`].
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0);
        ready!(state.poll_send(context))?;
        Pin::new(&mut state.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0);
        ready!(state.poll_room(context))?;
        let length = buffers.iter().map(|it| it.len()).sum();
        state.bytes.reserve(length);
        buffers.iter().for_each(|it| state.bytes.extend_from_slice(it));
        state.is_flushed = false;
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, pin::pin};

    use bytes::Bytes;
    use futures::FutureExt as _;
    use http::Response;
    use http_body_util::Full;
    use hyper::{server::conn::http1, service::service_fn};
    use hyper_util::rt::{TokioIo, TokioTimer};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        sync::oneshot,
    };

    use super::*;

    /// One end of a connection that holds so many bytes, and its client's.
    fn connected(bytes: usize) -> (Gathered<DuplexStream>, Outgoing<DuplexStream>, DuplexStream) {
        let (stream, client) = duplex(bytes);
        let (gathered, outgoing) = gather(stream);
        (gathered, outgoing, client)
    }

    async fn send(outgoing: &Outgoing<DuplexStream>) -> io::Result<()> {
        poll_fn(|context| outgoing.poll_send(context)).await
    }

    #[tokio::test]
    async fn nothing_goes_out_before_all_of_it_does() {
        let (mut gathered, outgoing, mut client) = connected(1024);
        let mut taken = [0; 16];

        for piece in ["head", "body", "trailers"] {
            gathered.write_all(piece.as_bytes()).await.unwrap();
            gathered.flush().await.unwrap();
        }
        assert_eq!(client.read(&mut taken).now_or_never().map(Result::unwrap), None);
        send(&outgoing).await.unwrap();

        client.read_exact(&mut taken).await.unwrap();
        assert_eq!(&taken, b"headbodytrailers");
    }

    #[tokio::test]
    async fn whoever_writes_waits_for_a_client_that_takes_nothing() {
        let (mut gathered, outgoing, mut client) = connected(10);
        let pieces: Vec<u8> = (0..=u8::MAX).cycle().take(3 * MAX_BYTES).collect();

        let mut written = 0;
        while let Some(more) = gathered.write(&pieces[written..][..1000]).now_or_never() {
            written += more.unwrap();
        }
        assert!((MAX_BYTES..MAX_BYTES + 2000).contains(&written), "{written}");
        assert!(send(&outgoing).now_or_never().is_none());

        let mut taken = vec![0; pieces.len()];
        let writing = async {
            gathered.write_all(&pieces[written..]).await.unwrap();
            send(&outgoing).await.unwrap();
        };
        let ((), read) = tokio::join!(writing, client.read_exact(&mut taken));
        read.unwrap();
        assert!(taken == pieces);
    }

    #[tokio::test]
    async fn what_was_gathered_goes_out_before_the_end() {
        let (mut gathered, _outgoing, mut client) = connected(1024);

        gathered.write_all(b"farewell").await.unwrap();
        gathered.shutdown().await.unwrap();

        let mut taken = String::new();
        client.read_to_string(&mut taken).await.unwrap();
        assert_eq!(taken, "farewell");
    }

    /// HTTP/1.1 waits for the next request's headers as soon as the answer is written.
    #[tokio::test]
    async fn an_answer_that_is_taken_slowly_is_taken_as_a_whole() {
        const BYTES: usize = MAX_BYTES / 2;
        let (gathered, outgoing, mut client) = connected(1024);
        let answer = service_fn(async |_| {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'.'; BYTES]))))
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_millis(100));
        let connection = builder.serve_connection(TokioIo::new(gathered), answer);
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(async move {
            outgoing.drive(pin!(connection)).await;
            end.send(()).unwrap();
            outgoing.send_rest(Duration::from_secs(60)).await;
        });

        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        ended.await.unwrap();
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).await.unwrap();

        serving.await.unwrap();
        let head = taken.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
        assert_eq!(taken.len() - head, BYTES);
    }

    #[tokio::test]
    async fn a_client_that_has_left_is_noticed() {
        let (mut gathered, outgoing, client) = connected(1024);
        drop(client);

        gathered.write_all(b"answer").await.unwrap();

        assert!(send(&outgoing).await.is_err());
    }
}
