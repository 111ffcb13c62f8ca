//! The body of an answer, whose trailers say how the call has ended.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;

use super::call::Call;
use crate::door::answer::Answer;

/// Its call goes on until its end, or until nobody wants the rest of it.
#[derive(Debug)]
pub(in crate::door) struct Followed {
    answer: Answer,
    call: Call,
}

impl Followed {
    pub(super) fn new(answer: Answer, call: Call) -> Self {
        Self { answer, call }
    }
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { answer, call: Call { span, end } } = self.get_mut();
        span.in_scope(|| {
            let mut polled = Pin::new(answer).poll_frame(context);
            if let Poll::Ready(Some(Ok(frame))) = &mut polled
                && let Some(trailers) = frame.trailers_mut()
            {
                end.pass(span, trailers);
            }
            polled
        })
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::{extract::Request, response::Response};
    use futures::{executor::block_on, stream};
    use http::HeaderMap;
    use http_body_util::{BodyExt as _, StreamBody};
    use tonic::{Code, body::Body};
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::door::request_id::RequestId;

    #[test]
    fn an_error_at_the_end_of_a_stream_is_completed() {
        let mut trailers = HeaderMap::new();
        let bare = Status::internal("failed to decode Protobuf message: buffer underflow");
        bare.add_header(&mut trailers).unwrap();
        let frames = stream::iter([Ok::<_, Status>(Frame::trailers(trailers))]);
        let answer = Answer::new(Body::new(StreamBody::new(frames)));

        let call = Call::begin(&Request::default(), &RequestId::new());
        let followed = block_on(call.follow(async { Response::new(answer) })).into_body();
        let trailers = block_on(followed.collect()).unwrap().trailers().cloned().unwrap();

        let status = Status::from_header_map(&trailers).unwrap();
        let info = status.get_details_error_info().unwrap();
        assert_eq!((status.code(), &*info.reason), (Code::InvalidArgument, "MALFORMED_REQUEST"));
    }
}
