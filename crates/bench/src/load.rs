//! Callers, and the two ways in which they make calls.

pub(crate) mod closed;
pub(crate) mod open;
pub(crate) mod outcome;

use async_trait::async_trait;

/// One that makes calls, one at a time.
#[async_trait]
pub(crate) trait Caller: Send {
    /// Makes the next call.
    async fn call(&mut self) -> anyhow::Result<()>;
}

pub(crate) type Callers = Vec<Box<dyn Caller>>;
