//! Requests on their way in: how long they may take, and how large they may be.

use std::{
    collections::HashSet,
    error::Error as _,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{self, Body, Bytes},
    extract::Request,
};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{Full, LengthLimitError};
use proto::v1::FILE_DESCRIPTOR_SET;
use tokio::time::{self, Sleep};
use tonic::Status;

use crate::{Error, described};

/// What a message has in front of it: whether it is compressed, and its length.
const FRAME_HEADER: usize = 5;

/// The paths of the rpcs whose requests are streams.
static STREAMED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let methods = described::methods(FILE_DESCRIPTOR_SET).into_iter();
    methods.filter(|it| it.is_streamed).map(|it| it.path()).collect()
});

pub(super) fn is_stream(request: &Request) -> bool {
    STREAMED.contains(request.uri().path())
}

/// The body of a request, as services read it.
#[derive(Debug)]
pub(crate) enum Received {
    Whole(Full<Bytes>),
    InPieces(Patient),
}

impl Received {
    /// Reads what is one message. One that does not come to its end keeps nobody waiting
    /// but its own user.
    pub(super) async fn whole(
        body: Body,
        max_bytes: usize,
        patience: Duration,
    ) -> Result<Self, Error> {
        let reading = body::to_bytes(body, max_bytes + FRAME_HEADER);
        let read = time::timeout(patience, reading).await.map_err(|_| Error::Stalled)?;
        let bytes = read.map_err(|error| match error.source() {
            Some(source) if source.is::<LengthLimitError>() => Error::MessageTooLarge { max_bytes },
            // A client's reset would pass for the end of what it sends: what has arrived by
            // then would be taken for the whole.
            _ => Error::BrokenOff,
        })?;
        Ok(Self::Whole(Full::new(bytes)))
    }

    /// Fails a stream of which nothing arrives for so long.
    pub(super) fn in_pieces(body: Body, patience: Duration) -> Self {
        Self::InPieces(Patient { body, patience, sleep: None })
    }
}

impl HttpBody for Received {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::InPieces(body) => body.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::InPieces(body) => body.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::InPieces(body) => body.body.size_hint(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Patient {
    body: Body,
    patience: Duration,
    /// Set up for a body that keeps its reader waiting; most are there at once.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.sleep = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(|_| failed(Error::BrokenOff))));
        }
        let patience = self.patience;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(time::sleep(patience)));
        sleep.as_mut().poll(context).map(|()| Some(Err(failed(Error::Stalled))))
    }
}

fn failed(error: Error) -> axum::Error {
    axum::Error::new(Status::from(error))
}
