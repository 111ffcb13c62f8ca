//! What goes on on a connection: whether its client has said what it speaks, and since
//! when it has asked for nothing.

use std::{
    future, io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{self, Instant},
};

/// The first bytes of HTTP/2, and fewer than any request of HTTP/1.1 has.
const PREFACE_BYTES: usize = 24;

/// Whoever wants to know looks at it when it may be time: requests are many, and wake nobody.
#[derive(Clone, Debug)]
pub(super) struct Activity(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Those that are not answered to their end.
    requests: u32,
    /// When the last one was.
    ended_at: Instant,
    has_spoken: bool,
}

impl Activity {
    pub(super) fn new() -> Self {
        let state = State { requests: 0, ended_at: Instant::now(), has_spoken: false };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once the time is up without enough from the client to know what it
    /// speaks.
    pub(super) async fn silent(&self, until: Instant) {
        time::sleep_until(until).await;
        if self.state().has_spoken {
            future::pending::<()>().await;
        }
    }

    /// Returns once there was no request for so long, from now on.
    pub(super) async fn idle(&self, duration: Duration) {
        let mut since = Instant::now();
        while Instant::now() < since + duration {
            time::sleep_until(since + duration).await;
            since = since.max(self.idle_since());
        }
    }

    fn idle_since(&self) -> Instant {
        let state = self.state();
        if state.requests == 0 { state.ended_at } else { Instant::now() }
    }

    /// Counts a request, until what is returned is dropped.
    pub(super) fn begin(&self) -> GoingOn {
        self.state().requests += 1;
        GoingOn(self.clone())
    }
}

#[derive(Debug)]
pub(super) struct GoingOn(Activity);

impl Drop for GoingOn {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests -= 1;
        state.ended_at = Instant::now();
    }
}

/// A stream that notes when its client has spoken.
#[derive(Debug)]
pub(super) struct Heard<S> {
    stream: S,
    activity: Activity,
    received: usize,
}

impl<S> Heard<S> {
    pub(super) fn new(stream: S, activity: Activity) -> Self {
        Self { stream, activity, received: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.received < PREFACE_BYTES {
            self.received += buffer.filled().len() - before;
            if PREFACE_BYTES <= self.received {
                self.activity.state().has_spoken = true;
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
