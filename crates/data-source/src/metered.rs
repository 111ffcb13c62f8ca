//! A TCP stream that stops reading where a budget ends, so that no server can
//! make us hold more than was meant, not even with a single row.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How often a piece of work may write. The driver asks for the types that it does
/// not know, and for those that they are made of, one call deeper each: a server
/// could answer without end, and our stack has one.
const MAX_WRITES: u64 = 200;

/// How many bytes may still be read, and how often may be written.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Left>);

#[derive(Debug)]
struct Left {
    bytes: AtomicU64,
    writes: AtomicU64,
}

impl Budget {
    pub(crate) fn new(bytes: u64) -> Self {
        let (bytes, writes) = (AtomicU64::new(bytes), AtomicU64::new(MAX_WRITES));
        Self(Arc::new(Left { bytes, writes }))
    }

    /// Begins a piece of work.
    pub(crate) fn set(&self, bytes: u64) {
        self.0.bytes.store(bytes, Ordering::Relaxed);
        self.0.writes.store(MAX_WRITES, Ordering::Relaxed);
    }

    /// Leaves a server of the operator's own without bounds.
    pub(crate) fn lift(&self) {
        self.0.bytes.store(u64::MAX, Ordering::Relaxed);
        self.0.writes.store(u64::MAX, Ordering::Relaxed);
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0.bytes.load(Ordering::Relaxed) == 0
    }

    fn spend(left: &AtomicU64, spent: u64) {
        let less = |left: u64| Some(left.saturating_sub(spent));
        // The closure always gives a value, so this can't fail.
        let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

#[derive(Debug)]
pub(crate) struct Metered {
    stream: TcpStream,
    budget: Budget,
}

impl Metered {
    pub(crate) fn new(stream: TcpStream, budget: Budget) -> Self {
        Self { stream, budget }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.budget.is_spent() {
            return Poll::Ready(Err(io::Error::other("the server sends too much")));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        Budget::spend(&self.budget.0.bytes, (buf.filled().len() - before) as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.budget.0.writes.load(Ordering::Relaxed) == 0 {
            return Poll::Ready(Err(io::Error::other("the server has too much asked of it")));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf))?;
        Budget::spend(&self.budget.0.writes, 1);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
