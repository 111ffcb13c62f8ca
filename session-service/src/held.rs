//! What lasts for as long as an answer does.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};

/// A body that is dropped together with its guard.
#[derive(Debug)]
pub(crate) struct Held<B, T> {
    body: B,
    _guard: T,
}

impl<B, T> Held<B, T> {
    pub(crate) fn new(body: B, guard: T) -> Self {
        Self { body, _guard: guard }
    }
}

impl<B: Body + Unpin, T: Unpin> Body for Held<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
