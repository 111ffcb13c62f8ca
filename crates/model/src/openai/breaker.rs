//! Leaves a server alone that fails call after call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::Gauge;
use tokio::time::{Duration, Instant};

use super::pacing::BreakerPacing;

#[derive(Debug, Clone)]
pub(super) struct Breaker {
    pacing: BreakerPacing,
    state: Arc<Mutex<State>>,
    /// Whether the server is left alone, for operators to see.
    is_open: Gauge,
}

#[derive(Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    pause: Option<Pause>,
    is_probing: bool,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Instant,
    length: Duration,
}

/// Leave to try once. Dropped without a verdict, it says nothing about the server,
/// unless the server has had its time and not even begun to answer.
#[derive(Debug)]
pub(super) struct Pass {
    breaker: Breaker,
    is_probe: bool,
    since: Instant,
    is_unanswered: bool,
}

impl Breaker {
    pub(super) fn new(pacing: BreakerPacing, is_open: Gauge) -> Self {
        Self { pacing, state: Arc::default(), is_open }
    }

    fn close(&self) {
        *self.state() = State::default();
        self.is_open.set(0);
    }

    /// For how long the server is still left alone; `None`: it is not.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.state().remaining()
    }

    /// Fails while the server is left alone; after that one try is let through.
    pub(super) fn pass(&self) -> Result<Pass, Duration> {
        let mut state = self.state();
        if let Some(remaining) = state.remaining() {
            return Err(remaining);
        }
        let is_probe = state.pause.is_some();
        state.is_probing = is_probe;
        Ok(Pass { breaker: self.clone(), is_probe, since: Instant::now(), is_unanswered: true })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// While a probe is under way there is no telling: its own length from now.
    fn remaining(&self) -> Option<Duration> {
        let pause = self.pause?;
        let remaining = pause.until.saturating_duration_since(Instant::now());
        if self.is_probing {
            Some(pause.length)
        } else {
            Some(remaining).filter(|it| !it.is_zero())
        }
    }
}

impl Pass {
    /// The server has begun to answer.
    pub(super) fn answered(&mut self) {
        self.is_unanswered = false;
    }

    /// The server is well, even if this try may fail later.
    pub(super) fn confirm(&mut self) {
        if self.is_probe {
            self.is_probe = false;
            self.breaker.close();
        }
    }

    pub(super) fn succeed(mut self) {
        self.is_unanswered = false;
        self.breaker.close();
    }

    pub(super) fn fail(mut self) {
        self.is_unanswered = false;
        self.count_failure();
    }

    fn count_failure(&self) {
        let BreakerPacing { failures, pause, longest_pause, .. } = self.breaker.pacing;
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        let length = match state.pause {
            Some(before) if self.is_probe => (before.length * 2).min(longest_pause),
            None if state.failures >= failures => pause,
            _ => return,
        };
        tracing::warn!(?length, "the model's server keeps failing and is left alone");
        state.pause = Some(Pause { until: Instant::now() + length, length });
        self.breaker.is_open.set(1);
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if self.is_unanswered && self.since.elapsed() >= self.breaker.pacing.silence {
            self.count_failure();
        }
        if self.is_probe {
            self.breaker.state().is_probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::*;

    const PAUSE: Duration = Duration::from_secs(10);
    const SILENCE: Duration = Duration::from_secs(2);

    fn breaker() -> Breaker {
        let longest_pause = Duration::from_secs(30);
        let silence = SILENCE;
        let pacing = BreakerPacing { failures: 2, pause: PAUSE, longest_pause, silence };
        Breaker::new(pacing, Gauge::noop())
    }

    fn fail(breaker: &Breaker) {
        breaker.pass().expect("the breaker is closed").fail();
    }

    #[tokio::test(start_paused = true)]
    async fn only_failures_in_a_row_open_it() {
        let breaker = breaker();

        fail(&breaker);
        breaker.pass().unwrap().succeed();
        fail(&breaker);
        assert!(breaker.remaining().is_none());
        drop(breaker.pass());
        fail(&breaker);

        assert!(breaker.remaining().is_some() && breaker.pass().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_pause_one_probe_decides() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        time::advance(PAUSE).await;

        let probe = breaker.pass().unwrap();
        assert!(breaker.remaining().is_some() && breaker.pass().is_err());
        probe.succeed();

        assert!(breaker.pass().is_ok() && breaker.remaining().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_nobody_waits_for_leaves_room_for_the_next() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        time::advance(PAUSE).await;

        drop(breaker.pass().unwrap());

        assert!(breaker.pass().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_doubles_up_to_its_bound() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        for seconds in [10, 20, 30, 30] {
            time::advance(Duration::from_secs(seconds - 1)).await;
            assert!(breaker.pass().is_err());
            time::advance(Duration::from_secs(1)).await;
            fail(&breaker);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_from_before_the_pause_does_not_prolong_it() {
        let breaker = breaker();
        let late = breaker.pass().unwrap();
        fail(&breaker);
        fail(&breaker);
        time::advance(PAUSE - Duration::from_secs(1)).await;

        late.fail();

        time::advance(Duration::from_secs(1)).await;
        assert!(breaker.pass().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_remaining_pause_is_known() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        time::advance(Duration::from_secs(3)).await;
        assert_eq!(breaker.remaining(), Some(Duration::from_secs(7)));

        time::advance(PAUSE).await;
        let _probe = breaker.pass().unwrap();
        assert_eq!(breaker.pass().unwrap_err(), PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_is_confirmed_opens_the_way_and_may_still_fail() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        time::advance(PAUSE).await;

        let mut probe = breaker.pass().unwrap();
        probe.confirm();
        assert!(breaker.pass().is_ok());
        probe.fail();
        fail(&breaker);

        assert!(breaker.pass().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_try_given_up_is_a_failure_if_there_was_time_and_no_answer() {
        let breaker = breaker();
        for _ in 0..2 {
            drop(breaker.pass().unwrap());
            let mut slow = breaker.pass().unwrap();
            slow.answered();
            time::advance(SILENCE).await;
        }
        assert!(breaker.remaining().is_none());

        for _ in 0..2 {
            let _silent = breaker.pass().unwrap();
            time::advance(SILENCE).await;
        }
        assert!(breaker.remaining().is_some());
    }
}
