//! What goes on on a connection: whether its client has said what it speaks, and since
//! when it has asked for nothing.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use http::Request;
use hyper::body::Incoming;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _, service_fn};

use super::{ENDING, untaken};
use crate::held::hold;

/// The first bytes of HTTP/2, and fewer than any request of HTTP/1.1 has.
const PREFACE_BYTES: usize = 24;

#[derive(Clone, Debug)]
pub(super) struct Activity(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Those that are not answered to their end.
    requests: u32,
    has_spoken: bool,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Returns once the time is up without enough from the client to know what it
    /// speaks.
    pub(super) async fn silent(&self, until: Instant) {
        let mut states = self.0.subscribe();
        let has_spoken = async { states.wait_for(|state| state.has_spoken).await.is_ok() };
        if time::timeout_at(until, has_spoken).await.is_ok() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns once there was no request for so long.
    pub(super) async fn idle(&self, duration: Duration) {
        let mut states = self.0.subscribe();
        // Neither fails: the sender is `self`.
        while states.wait_for(|state| state.requests == 0).await.is_ok() {
            let request = async { states.wait_for(|state| 0 < state.requests).await.is_ok() };
            if time::timeout(duration, request).await.is_err() {
                return;
            }
        }
    }

    /// Counts the requests on their way to `router`, until their answers are sent, or
    /// not taken for so long.
    pub(super) fn count(
        &self,
        router: Router,
        patience: Duration,
        ending: CancellationToken,
    ) -> impl Service<
        Request<Incoming>,
        Response = Response,
        Error = Infallible,
        Future: Send + 'static,
    >
    + Clone
    + Send
    + 'static
    + use<> {
        let activity = self.clone();
        service_fn(move |request: Request<Incoming>| {
            let (router, going_on) = (router.clone(), GoingOn::begin(activity.clone()));
            let answered = ENDING.scope(ending.clone(), router.oneshot(request.map(Body::new)));
            async move {
                let response = answered.await?;
                Ok(response.map(|body| untaken::cut(hold(body, going_on), patience)))
            }
        })
    }
}

struct GoingOn(Activity);

impl GoingOn {
    fn begin(activity: Activity) -> Self {
        activity.0.send_modify(|state| state.requests += 1);
        Self(activity)
    }
}

impl Drop for GoingOn {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.requests -= 1);
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
                self.activity.0.send_modify(|state| state.has_spoken = true);
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

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
