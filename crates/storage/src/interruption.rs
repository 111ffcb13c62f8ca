//! Statements whose caller has gone.
//!
//! A request that is dropped half-way leaves its connection with a statement that
//! nobody waits for. Such a connection is closed, and Postgres ends the statement when
//! it notices that. The pool pings each connection that comes back, and waits for the
//! answer without a bound; we do it before, with one, when a request was dropped about
//! then.

use std::{
    pin::Pin,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use sea_orm::sqlx::{Connection as _, PgConnection};
use tokio::time;

/// How long after a request was dropped its connection comes back.
const SOON: Duration = Duration::from_secs(1);
/// How long a connection that has nothing to do may take to say so.
const PROMPT: Duration = Duration::from_millis(50);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// When a request was last dropped, in milliseconds after the start, and one more.
static LAST: AtomicU64 = AtomicU64::new(0);

/// A future that may be dropped before it is ready, while it uses the database.
#[derive(Debug)]
pub struct Interruptible<F> {
    // Dropped before the future: its connections come back after the note.
    note: Note,
    future: Pin<Box<F>>,
}

impl<F: Future> Interruptible<F> {
    pub fn new(future: F) -> Self {
        LazyLock::force(&START);
        Self { note: Note { is_ready: false }, future: Box::pin(future) }
    }
}

impl<F: Future> Future for Interruptible<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let output = self.future.as_mut().poll(context);
        self.note.is_ready = output.is_ready();
        output
    }
}

#[derive(Debug)]
struct Note {
    is_ready: bool,
}

impl Drop for Note {
    fn drop(&mut self) {
        if !self.is_ready {
            LAST.store(now() + 1, Ordering::Relaxed);
        }
    }
}

/// Whether a connection that comes back can be lent again: nothing is going on on it.
pub(crate) async fn is_free(connection: &mut PgConnection) -> bool {
    let last = LAST.load(Ordering::Relaxed);
    if last == 0 || Duration::from_millis(now().saturating_sub(last)) > SOON {
        return true;
    }
    matches!(time::timeout(PROMPT, connection.ping()).await, Ok(Ok(())))
}

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
