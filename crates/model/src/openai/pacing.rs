//! How patient a client is with its server.

use std::time::Duration;

use super::failure::Failure;

/// How often and how soon a call is repeated, and when a server is left alone.
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    pub connect_timeout: Duration,
    /// How often one call is tried, the first time included.
    pub tries: u32,
    /// The longest pause after the first try; it doubles with each one.
    pub backoff: Duration,
    /// The longest time of one call, with all its tries.
    pub call: Duration,
    /// How long a model that has said it all may take to say what that has cost.
    pub closing: Duration,
    /// A server that wants to be left alone for longer is overloaded.
    pub longest_wait: Duration,
    pub breaker: BreakerPacing,
}

#[derive(Debug, Clone, Copy)]
pub struct BreakerPacing {
    /// How many tries in a row have to fail before nothing is sent any more.
    pub failures: u32,
    /// For how long at first; it doubles whenever the server still fails.
    pub pause: Duration,
    pub longest_pause: Duration,
    /// A try that is given up after this long without any answer is a failure.
    pub silence: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            tries: 3,
            backoff: Duration::from_millis(500),
            call: Duration::from_secs(300),
            closing: Duration::from_secs(2),
            longest_wait: Duration::from_secs(20),
            breaker: BreakerPacing {
                failures: 5,
                pause: Duration::from_secs(10),
                longest_pause: Duration::from_secs(60),
                silence: Duration::from_secs(2),
            },
        }
    }
}

impl Pacing {
    /// How long to wait before the next try; `None`: there is none.
    pub(super) fn pause(&self, failure: &Failure, tried: u32) -> Option<Duration> {
        let Failure::Transient { wait, .. } = failure else { return None };
        if tried >= self.tries {
            return None;
        }
        match wait {
            Some(wait) if *wait > self.longest_wait => None,
            Some(wait) => Some(*wait),
            None => {
                let longest = self.backoff.saturating_mul(1 << (tried - 1).min(10));
                // Full jitter: callers that failed together don't come back together.
                Some(longest.mul_f64(rand::random()))
            }
        }
    }
}
