//! A panic is a bug, and costs its request only. What it says may be what people have said, and
//! is told nobody.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use crate::Error;

/// Does the work, as far as it comes.
pub(super) async fn catch<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    // Nothing of it is looked at after a panic, but for what is behind locks.
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Error::Internal(anyhow::anyhow!("a request panicked"))))
}
