//! Requests that are begun and not sent on, or not to their end.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use proto::v1::FILE_DESCRIPTOR_SET;
use tokio::time::{self, Sleep};
use tonic::Status;

use crate::Error;

/// The paths of the rpcs whose requests are streams.
static STREAMED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).expect("it was encoded by our build");
    let services = set.file.iter().flat_map(|file| {
        file.service.iter().map(|service| (file.package(), service.name(), &service.method))
    });
    let methods = services.flat_map(|(package, service, methods)| {
        let streamed = methods.iter().filter(|method| method.client_streaming());
        streamed.map(move |method| format!("/{package}.{service}/{}", method.name()))
    });
    methods.collect()
});

/// Fails a request whose sender has stopped half-way: a message may take so long to
/// arrive; of a stream, each piece.
pub(super) async fn fail(
    State(patience): State<Duration>,
    request: Request,
    next: Next,
) -> Response {
    let is_stream = STREAMED.contains(request.uri().path());
    let patient = |body| Patient { body, is_stream, patience, sleep: None };
    next.run(request.map(|body| Body::new(patient(body)))).await
}

struct Patient {
    body: Body,
    is_stream: bool,
    patience: Duration,
    /// Set up for a body that keeps its reader waiting; most are there at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Patient {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            if self.is_stream {
                self.sleep = None;
            }
            // A client's reset would pass for the end of what it sends: what has arrived
            // by then would be taken for the whole.
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| failed(Error::BrokenOff))));
        }
        let patience = self.patience;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(time::sleep(patience)));
        sleep.as_mut().poll(context).map(|()| Some(Err(failed(Error::Stalled))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn failed(error: Error) -> axum::Error {
    axum::Error::new(Status::from(error))
}
