//! How fast the load goes: its runs are spread over the faults, in bursts.

use std::{
    convert::Infallible,
    future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rand::{Rng as _, rngs::StdRng};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

/// Between two bursts.
const BURSTS: Duration = Duration::from_millis(400);

/// Hands out the numbers of the runs to start, as they are released.
#[derive(Debug)]
pub(super) struct Pace {
    total: u64,
    taken: AtomicU64,
    released: AtomicU64,
    permits: Semaphore,
}

impl Pace {
    pub(super) fn new(total: u64) -> Arc<Self> {
        let (taken, released) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { total, taken, released, permits: Semaphore::new(0) })
    }

    /// The number of the next run, from 0; `None` once all were taken.
    pub(super) async fn take(&self) -> Option<u64> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        if number >= self.total {
            return None;
        }
        // The semaphore is never closed.
        self.permits.acquire().await.ok()?.forget();
        Some(number)
    }

    pub(super) fn release_up_to(&self, released: u64) {
        let released = released.min(self.total);
        let before = self.released.fetch_max(released, Ordering::Relaxed);
        let more = usize::try_from(released.saturating_sub(before)).unwrap_or_default();
        self.permits.add_permits(more);
    }

    /// Releases the runs up to `end` over about `duration`; never returns.
    pub(super) async fn spread_up_to(
        &self,
        end: u64,
        duration: Duration,
        mut random: StdRng,
    ) -> Infallible {
        let (start, began) = (self.released.load(Ordering::Relaxed), Instant::now());
        let count = end.saturating_sub(start);
        while began.elapsed() < duration {
            if random.random_bool(0.6) {
                let share = began.elapsed().as_secs_f64() / duration.as_secs_f64();
                self.release_up_to(start + (count as f64 * share) as u64);
            }
            sleep(BURSTS).await;
        }
        self.release_up_to(end);
        future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_number_is_given_once_and_then_there_is_none() {
        let pace = Pace::new(3);
        pace.release_up_to(2);
        pace.release_up_to(1);
        pace.release_up_to(9);

        let mut taken = Vec::new();
        while let Some(number) = pace.take().await {
            taken.push(number);
        }
        assert_eq!(taken, [0, 1, 2]);
    }
}
