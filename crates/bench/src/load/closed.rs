//! A closed loop: each caller makes its next call when the last was answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::task::JoinSet;

use super::{Caller, Callers, outcome::Outcome};

/// Has all callers make calls for so long, and to the end of those that have begun; one at least.
pub(crate) async fn run(callers: &mut Callers, length: Duration) -> anyhow::Result<Outcome> {
    let began = Instant::now();
    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for caller in callers.drain(..) {
        tasks.spawn(call_until(caller, began + length, Arc::clone(&is_over)));
    }
    let mut outcome = Outcome::default();
    while let Some(joined) = tasks.join_next().await {
        let (caller, of_caller) = joined.context("a caller panicked")?;
        callers.push(caller);
        outcome.add(of_caller);
    }
    outcome.elapsed = began.elapsed();
    outcome.check()
}

/// Ends early once a call of any caller has failed.
async fn call_until(
    mut caller: Box<dyn Caller>,
    end: Instant,
    is_over: Arc<AtomicBool>,
) -> (Box<dyn Caller>, Outcome) {
    let mut outcome = Outcome::default();
    let mut now = Instant::now();
    loop {
        let called = caller.call().await;
        let answered = Instant::now();
        outcome.note(called, answered - now);
        if outcome.has_failed() {
            is_over.store(true, Ordering::Relaxed);
        }
        now = answered;
        if end <= now || is_over.load(Ordering::Relaxed) {
            return (caller, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use async_trait::async_trait;

    use super::*;

    struct Failing {
        after: u32,
    }

    #[async_trait]
    impl Caller for Failing {
        async fn call(&mut self) -> anyhow::Result<()> {
            match self.after.checked_sub(1) {
                Some(after) => self.after = after,
                None => bail!("refused"),
            }
            tokio::task::yield_now().await;
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_call_that_fails_ends_the_round_for_all_callers() {
        let failing = |after| Box::new(Failing { after }) as Box<dyn Caller>;
        let mut callers = vec![failing(3), failing(u32::MAX)];

        let error = run(&mut callers, Duration::from_secs(600)).await.unwrap_err();

        assert!(error.to_string().starts_with("1 of "), "{error}");
        assert_eq!(error.root_cause().to_string(), "refused");
        assert_eq!(callers.len(), 2);
    }

    #[tokio::test]
    async fn each_call_that_was_answered_counts() {
        let mut callers: Callers = vec![Box::new(Failing { after: u32::MAX })];

        let outcome = run(&mut callers, Duration::from_millis(20)).await.unwrap();

        assert!(1 < outcome.latencies.len());
        assert!(Duration::from_millis(20) <= outcome.elapsed);
    }
}
