//! Who waits for the end of which run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use storage::RunId;
use tokio::sync::Notify;

#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    runs: Arc<Mutex<HashMap<RunId, Arc<Notify>>>>,
}

/// One who waits; leaves when dropped.
#[derive(Debug)]
pub(crate) struct Waiter {
    waiting: Waiting,
    run_id: RunId,
    pub ended: Arc<Notify>,
}

impl Waiting {
    pub(crate) fn join(&self, run_id: RunId) -> Waiter {
        let ended = Arc::clone(self.lock().entry(run_id).or_default());
        Waiter { waiting: self.clone(), run_id, ended }
    }

    pub(crate) fn announce(&self, run_id: RunId) {
        if let Some(ended) = self.lock().get(&run_id) {
            ended.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Notify>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut runs = self.waiting.lock();
        // The map's and this waiter's: nobody else waits.
        if Arc::strong_count(&self.ended) == 2 {
            runs.remove(&self.run_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_end_reaches_all_who_wait_for_it_and_nobody_else() {
        let waiting = Waiting::default();
        let (one, two, other) =
            (waiting.join(RunId(1)), waiting.join(RunId(1)), waiting.join(RunId(2)));
        let (one_ended, two_ended) = (one.ended.notified(), two.ended.notified());
        let mut other_ended = std::pin::pin!(other.ended.notified());
        other_ended.as_mut().enable();

        waiting.announce(RunId(1));

        one_ended.await;
        two_ended.await;
        assert!(!other_ended.as_mut().enable());
    }

    #[test]
    fn nothing_is_kept_once_nobody_waits() {
        let waiting = Waiting::default();
        let (one, two) = (waiting.join(RunId(1)), waiting.join(RunId(1)));

        drop(one);
        assert_eq!(waiting.lock().len(), 1);
        drop(two);
        assert_eq!(waiting.lock().len(), 0);
    }
}
