//! Answers that are not taken by those who asked for them.
//!
//! HTTP/2 lets a client keep an answer waiting. What it holds meanwhile, memory and a
//! place among those that are served, is given back after a while.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{self, Instant};
use tokio_util::task::AbortOnDropHandle;

/// How much of an answer leaves it at once: as much as a frame of HTTP/2 has. What
/// has left it can't be given back.
const PIECE_BYTES: usize = 16_384;

/// Drops the body if a piece of it is not taken for so long, and ends it there.
pub(super) fn cut(body: Body, patience: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    let offer = Offer { body: Some(body), rest: Bytes::new(), since: Some(Instant::now()) };
    let offer = Arc::new(Mutex::new(offer));
    let watched = AbortOnDropHandle::new(tokio::spawn(watch(Arc::clone(&offer), patience)));
    Body::new(Untaken { offer, _watched: watched })
}

async fn watch(offer: Arc<Mutex<Offer>>, patience: Duration) {
    loop {
        let due = {
            let mut offer = lock(&offer);
            let due = offer.since.unwrap_or_else(Instant::now) + patience;
            if due <= Instant::now() {
                *offer = Offer::default();
                tracing::debug!("an answer was not taken");
                return;
            }
            due
        };
        time::sleep_until(due).await;
    }
}

#[derive(Default)]
struct Offer {
    body: Option<Body>,
    /// Of the piece that comes next.
    rest: Bytes,
    /// When its client was given the last piece; `None` while there is no next one.
    since: Option<Instant>,
}

impl Offer {
    fn piece(&mut self) -> Frame<Bytes> {
        if self.rest.len() <= PIECE_BYTES {
            return Frame::data(mem::take(&mut self.rest));
        }
        // A part of the whole would keep the whole.
        Frame::data(Bytes::copy_from_slice(&self.rest.split_to(PIECE_BYTES)))
    }
}

struct Untaken {
    offer: Arc<Mutex<Offer>>,
    _watched: AbortOnDropHandle<()>,
}

fn lock(offer: &Mutex<Offer>) -> MutexGuard<'_, Offer> {
    offer.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, thiserror::Error)]
#[error("the answer was not taken")]
struct NotTaken;

impl HttpBody for Untaken {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut offer = lock(&self.offer);
        offer.since = Some(Instant::now());
        if !offer.rest.is_empty() {
            return Poll::Ready(Some(Ok(offer.piece())));
        }
        let Some(body) = &mut offer.body else {
            return Poll::Ready(Some(Err(axum::Error::new(NotTaken))));
        };
        let polled = Pin::new(body).poll_frame(context);
        if polled.is_pending() {
            offer.since = None;
        }
        polled.map_ok(|frame| match frame.into_data() {
            Ok(data) => {
                offer.rest = data;
                offer.piece()
            }
            Err(other) => other,
        })
    }

    fn is_end_stream(&self) -> bool {
        let offer = lock(&self.offer);
        offer.rest.is_empty() && offer.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let offer = lock(&self.offer);
        let mut hint = offer.body.as_ref().map(HttpBody::size_hint).unwrap_or_default();
        let rest = offer.rest.len() as u64;
        let upper = hint.upper().map(|upper| upper + rest);
        hint.set_lower(hint.lower() + rest);
        if let Some(upper) = upper {
            hint.set_upper(upper);
        }
        hint
    }
}
