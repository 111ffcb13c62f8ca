//! How often a user may call: a bucket of tokens each, filled at a constant rate.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock as _};
use storage::UserId;

use crate::{
    Error,
    metrics::{self, By},
};

/// How often those who have not called for a while are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Rate {
    buckets: Arc<DefaultKeyedRateLimiter<UserId>>,
    per_second: NonZeroU32,
}

impl Rate {
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self { buckets: Arc::new(DefaultKeyedRateLimiter::keyed(quota)), per_second }
    }

    /// Forgets those whose buckets are full again, for ever.
    pub async fn forget(self) {
        loop {
            tokio::time::sleep(FORGET_EVERY).await;
            self.forget_idle();
        }
    }

    fn forget_idle(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }

    pub(super) fn check(&self, user_id: UserId) -> Result<(), Error> {
        self.buckets.check_key(&user_id).map_err(|refused| {
            metrics::refused(By::Rate);
            let retry_after = refused.wait_time_from(self.buckets.clock().now());
            Error::RateLimited { user_id, per_second: self.per_second.get(), retry_after }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn one_who_has_not_called_for_a_while_is_forgotten_and_others_are_not() {
        let fast = Rate::new(number(1_000), number(1));
        for user in 0..1_000 {
            fast.check(UserId(user)).unwrap();
        }
        thread::sleep(Duration::from_millis(5));
        fast.forget_idle();
        assert_eq!(fast.buckets.len(), 0);

        let slow = Rate::new(number(1), number(1));
        slow.check(UserId(1)).unwrap();
        slow.forget_idle();
        slow.check(UserId(1)).unwrap_err();
    }

    #[test]
    fn to_wait_as_long_as_was_said_is_enough() {
        let rate = Rate::new(number(50), number(1));
        rate.check(UserId(1)).unwrap();
        let Err(Error::RateLimited { retry_after, .. }) = rate.check(UserId(1)) else {
            panic!("it is one too many");
        };
        assert!(retry_after <= Duration::from_millis(20), "{retry_after:?}");

        thread::sleep(retry_after);

        rate.check(UserId(1)).unwrap();
    }
}
