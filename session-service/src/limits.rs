//! How much a request may ask for.

/// How many items a page holds, by default and at most.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    pub default_sessions: u32,
    pub max_sessions: u32,
    pub default_messages: u32,
    pub max_messages: u32,
}

impl Default for PageLimits {
    fn default() -> Self {
        Self { default_sessions: 20, max_sessions: 50, default_messages: 20, max_messages: 100 }
    }
}
