//! How much a request may ask for, and a user.

use storage::runs::Quotas;

use crate::door::Bounds;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub pages: PageLimits,
    pub texts: TextLimits,
    pub imports: ImportLimits,
    /// How many questions of a session may wait for their turn.
    pub max_queued_runs: u32,
    pub quotas: Quotas,
}

/// How many items a page holds, by default and at most.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    pub default_sessions: u32,
    pub max_sessions: u32,
    pub default_messages: u32,
    pub max_messages: u32,
}

/// How many characters a text has at most.
#[derive(Clone, Copy, Debug)]
pub struct TextLimits {
    pub title: u32,
    pub question: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct ImportLimits {
    pub max_bytes: u64,
    /// How many are received and stored at once.
    pub at_once: Bounds,
}
