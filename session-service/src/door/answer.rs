//! The body of an answer: what its service says, until the time for it is up.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{self, Instant, Sleep};
use tonic::{Status, body::Body};

use super::{serve::Slot, until::Until};
use crate::held::Held;

/// Ends in time as if the service had. Without a body it is that of a refusal.
#[derive(Debug, Default)]
pub(super) struct Answer {
    body: Option<Held<Body, Option<Slot>>>,
    until: Option<Until>,
    /// Set up for a body that keeps its reader waiting; most are there at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Answer {
    pub(super) fn new(body: Body) -> Self {
        Self { body: Some(Held::new(body, None)), ..Self::default() }
    }

    /// Keeps the slot for as long as the answer goes on.
    pub(super) fn of(slot: Slot, body: Body) -> Self {
        Self { body: Some(Held::new(body, Some(slot))), ..Self::default() }
    }

    /// Ends it then at the latest.
    pub(super) fn until(self, until: Until) -> Self {
        let earlier = self.until.filter(|it| it.at <= until.at);
        Self { until: Some(earlier.unwrap_or(until)), ..self }
    }

    fn end(&mut self, until: Until) -> Option<Result<Frame<Bytes>, Status>> {
        self.body = None;
        let mut trailers = HeaderMap::new();
        // It fails for a message that is no header's value; ours are plain text.
        Status::from((until.error)()).add_header(&mut trailers).ok()?;
        Some(Ok(Frame::trailers(trailers)))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let Some(until) = this.until else { return Pin::new(body).poll_frame(context) };
        if until.at <= Instant::now() {
            return Poll::Ready(this.end(until));
        }
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(time::sleep_until(until.at)));
        sleep.as_mut().poll(context).map(|()| this.end(until))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}
