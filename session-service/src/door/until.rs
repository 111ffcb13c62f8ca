//! Answers that end at a time of ours, whatever else there was to come.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tokio::time::{self, Instant, Sleep};
use tonic::Status;

/// When answers end, and what is said then.
#[derive(Clone, Copy)]
pub(super) struct Until {
    at: Instant,
    status: fn() -> Status,
}

impl Until {
    pub(super) fn new(at: Instant, status: fn() -> Status) -> Self {
        Self { at, status }
    }

    /// Ends a response's body at that time, as if the service had.
    pub(super) fn cut(self, body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Cut { body: Some(body), until: self, sleep: None })
    }
}

struct Cut {
    body: Option<Body>,
    until: Until,
    /// Set up for a body that keeps its reader waiting; most are there at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Cut {
    fn end(&mut self) -> Option<Result<Frame<Bytes>, axum::Error>> {
        self.body = None;
        let mut trailers = HeaderMap::new();
        // It fails for a message that is no header's value; ours are plain text.
        (self.until.status)().add_header(&mut trailers).ok()?;
        Some(Ok(Frame::trailers(trailers)))
    }
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if this.until.at <= Instant::now() {
            return Poll::Ready(this.end());
        }
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let at = this.until.at;
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(time::sleep_until(at)));
        sleep.as_mut().poll(context).map(|()| this.end())
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
