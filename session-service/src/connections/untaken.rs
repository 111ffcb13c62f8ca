//! Answers that are not taken by those who asked for them.
//!
//! HTTP/2 lets a client keep an answer waiting. What it holds meanwhile, memory and a
//! place among those that are served, is given back after a while.

use std::{
    collections::HashMap,
    convert::Infallible,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{self, Instant};

use super::activity::GoingOn;
use crate::held::Held;

/// How much of an answer leaves it at once: as much as a frame of HTTP/2 has. What
/// has left it can't be given back.
const PIECE_BYTES: usize = 16_384;

/// The answers of a connection that have not left it as a whole.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    offers: HashMap<u64, Arc<Mutex<Offer>>>,
    last: u64,
}

impl Offers {
    pub(super) fn offer(&self, body: Held<Body, GoingOn>) -> Offered {
        let offer = Offer { body: Some(body), rest: Bytes::new(), since: Some(Instant::now()) };
        let offer = Arc::new(Mutex::new(offer));
        let mut open = lock(&self.0);
        open.last += 1;
        let number = open.last;
        open.offers.insert(number, Arc::clone(&offer));
        Offered { offer, number, offers: self.clone() }
    }

    /// Drops the bodies of which a piece is not taken for so long, and ends them there, for
    /// ever. It looks at them when the first may be due: one who begins later is due later.
    pub(super) async fn withdraw_untaken(&self, patience: Duration) -> Infallible {
        loop {
            let latest = Instant::now() + patience;
            let offers: Vec<_> = lock(&self.0).offers.values().cloned().collect();
            let due = offers.into_iter().filter_map(|offer| lock(&offer).due(patience));
            let due = due.min().unwrap_or(latest);
            time::sleep_until(due.min(latest)).await;
        }
    }
}

#[derive(Debug, Default)]
struct Offer {
    body: Option<Held<Body, GoingOn>>,
    /// Of the piece that comes next.
    rest: Bytes,
    /// When its client was given the last piece; `None` while there is no next one.
    since: Option<Instant>,
}

impl Offer {
    /// When it will have waited for so long; never if it has, and was withdrawn.
    fn due(&mut self, patience: Duration) -> Option<Instant> {
        let due = self.since? + patience;
        if Instant::now() < due {
            return Some(due);
        }
        *self = Self::default();
        tracing::debug!("an answer was not taken");
        None
    }

    fn piece(&mut self) -> Frame<Bytes> {
        if self.rest.len() <= PIECE_BYTES {
            return Frame::data(mem::take(&mut self.rest));
        }
        // A part of the whole would keep the whole.
        Frame::data(Bytes::copy_from_slice(&self.rest.split_to(PIECE_BYTES)))
    }
}

/// The body of an answer, until it is taken or withdrawn.
#[derive(Debug)]
pub(super) struct Offered {
    offer: Arc<Mutex<Offer>>,
    number: u64,
    offers: Offers,
}

impl Drop for Offered {
    fn drop(&mut self) {
        lock(&self.offers.0).offers.remove(&self.number);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug, thiserror::Error)]
#[error("the answer was not taken")]
struct NotTaken;

impl HttpBody for Offered {
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
