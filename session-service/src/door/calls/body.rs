//! The body of an answer, whose trailers say how the call has ended.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::call::Call;

/// Tells of the call once its answer has ended, or nobody wants the rest of it.
pub(super) fn follow(response: Response, mut call: Call) -> Response {
    call.look_at(response.headers());
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(Followed { body, call }))
}

struct Followed {
    body: Body,
    call: Call,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Self { body, call } = self.get_mut();
        let polled = call.span().in_scope(|| Pin::new(body).poll_frame(context));
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            call.look_at(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
