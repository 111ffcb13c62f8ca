//! For how long a server is waited for.

use tokio::time::{Duration, Instant};

/// The bounds on the time of one call, its tries and their pauses included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The longest time between two signs of life.
    silence: Duration,
    deadline: Instant,
}

impl Patience {
    pub(super) fn new(silence: Duration, call: Duration) -> Self {
        Self { silence, deadline: Instant::now() + call }
    }

    /// Until when the next sign of life has to come.
    pub(super) fn until(&self) -> Instant {
        self.deadline.min(Instant::now() + self.silence)
    }

    /// Whether the call is still going on after such a pause.
    pub(super) fn outlasts(&self, pause: Duration) -> bool {
        Instant::now().checked_add(pause).is_some_and(|it| it < self.deadline)
    }

    /// Leaves no more than this.
    pub(super) fn shorten(&mut self, left: Duration) {
        self.deadline = self.deadline.min(Instant::now() + left);
    }
}
