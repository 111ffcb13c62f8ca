//! An open loop: calls are due at fixed times, whatever became of those before, and a
//! latency is counted from when the call was due. A server that stalls is not asked less.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{Caller, Callers, outcome::Outcome};

/// When calls are due: the first at once, the others at the same distance from each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Calls a second.
    pub(crate) rate: f64,
    pub(crate) length: Duration,
}

impl Schedule {
    /// How many calls are due in all.
    fn calls(self) -> u64 {
        (self.rate * self.length.as_secs_f64()).ceil() as u64
    }

    /// How long after the beginning a call is due.
    fn due(self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }
}

/// Sends calls on schedule, as many at once as there are callers. What is due at the end and
/// was not sent by then is not sent any more; it counts with how long it has waited at least.
pub(crate) async fn run(callers: &mut Callers, schedule: Schedule) -> anyhow::Result<Outcome> {
    let round = Arc::new(Round {
        schedule,
        began: Instant::now(),
        due: Semaphore::new(0),
        taken: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    });
    let pacing = Arc::clone(&round);
    let pacer = thread::spawn(move || pacing.release());
    let mut tasks = JoinSet::new();
    for caller in callers.drain(..) {
        tasks.spawn(call_when_due(caller, Arc::clone(&round)));
    }
    let mut outcome = Outcome::default();
    while let Some(joined) = tasks.join_next().await {
        let (caller, of_caller) = joined.context("a caller panicked")?;
        callers.push(caller);
        outcome.add(of_caller);
    }
    pacer.join().expect("pacing does not panic");
    outcome.elapsed = round.began.elapsed();
    for number in round.taken.load(Ordering::Relaxed)..schedule.calls() {
        outcome.note_unsent(outcome.elapsed.saturating_sub(schedule.due(number)));
    }
    outcome.check()
}

struct Round {
    schedule: Schedule,
    began: Instant,
    /// A permit for each call that is due.
    due: Semaphore,
    taken: AtomicU64,
    is_over: AtomicBool,
}

impl Round {
    /// Runs in a thread of its own, whose sleep is finer than the runtime's.
    fn release(&self) {
        for number in 0..self.schedule.calls() {
            let wait = self.schedule.due(number).saturating_sub(self.began.elapsed());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            self.due.add_permits(1);
        }
        let left = self.schedule.length.saturating_sub(self.began.elapsed());
        thread::sleep(left);
        self.due.close();
    }

    /// The time at which the next call is due, once it is; `None` at the end.
    async fn next(&self) -> Option<Instant> {
        self.due.acquire().await.ok()?.forget();
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        Some(self.began + self.schedule.due(number))
    }
}

async fn call_when_due(
    mut caller: Box<dyn Caller>,
    round: Arc<Round>,
) -> (Box<dyn Caller>, Outcome) {
    let mut outcome = Outcome::default();
    while let Some(due) = round.next().await {
        let called = caller.call().await;
        outcome.note(called, due.elapsed());
        if outcome.has_failed() {
            round.is_over.store(true, Ordering::Relaxed);
        }
    }
    (caller, outcome)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    struct Slow(Duration);

    #[async_trait]
    impl Caller for Slow {
        async fn call(&mut self) -> anyhow::Result<()> {
            tokio::time::sleep(self.0).await;
            Ok(())
        }
    }

    #[test]
    fn calls_are_due_at_the_same_distance_for_the_whole_round() {
        let schedule = Schedule { rate: 4.0, length: Duration::from_secs(3) };

        assert_eq!(schedule.calls(), 12);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(11), Duration::from_millis(2750));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_that_had_to_wait_for_others_is_counted_from_when_it_was_due() {
        let mut callers: Callers = vec![Box::new(Slow(Duration::from_millis(100)))];
        let schedule = Schedule { rate: 50.0, length: Duration::from_millis(400) };

        let outcome = run(&mut callers, schedule).await.unwrap();

        // The fourth was due at 60 ms and could not be sent before 300 ms.
        assert!(Duration::from_millis(300).as_nanos() < u128::from(outcome.latencies.max()));
        assert!(14 <= outcome.unsent, "{} of 20 were not sent", outcome.unsent);
        assert_eq!(callers.len(), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_that_was_not_sent_counts_with_how_long_it_has_waited() {
        // The first call is answered when all others were due.
        let mut callers: Callers = vec![Box::new(Slow(Duration::from_millis(1500)))];
        let schedule = Schedule { rate: 10.0, length: Duration::from_secs(1) };

        let outcome = run(&mut callers, schedule).await.unwrap();

        assert_eq!((outcome.answered(), outcome.unsent), (1, 9));
        // They were due every 100 ms, the last of them 600 before the end.
        let half = Duration::from_nanos(outcome.latencies.value_at_quantile(0.5));
        assert!(Duration::from_millis(990) < half, "{half:?}");
        assert!(Duration::from_millis(590) < Duration::from_nanos(outcome.latencies.min()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_is_sent_that_there_are_callers_for() {
        let slow = || Box::new(Slow(Duration::from_millis(30))) as Box<dyn Caller>;
        let mut callers: Callers = (0..16).map(|_| slow()).collect();
        // The last is due well before the end.
        let schedule = Schedule { rate: 10.0, length: Duration::from_secs(1) };

        let outcome = run(&mut callers, schedule).await.unwrap();

        assert_eq!(outcome.unsent, 0);
        assert_eq!(outcome.latencies.len(), 10);
    }
}
