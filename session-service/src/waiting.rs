//! Who waits for the end of which run.

use std::{
    collections::{HashMap, hash_map},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use storage::RunId;
use tokio::sync::Notify;

#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    runs: Arc<Mutex<HashMap<RunId, Entry>>>,
}

#[derive(Debug, Default)]
struct Entry {
    ended: Arc<Notify>,
    waiters: usize,
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
        let mut runs = self.lock();
        let entry = runs.entry(run_id).or_default();
        entry.waiters += 1;
        Waiter { waiting: self.clone(), run_id, ended: Arc::clone(&entry.ended) }
    }

    pub(crate) fn announce(&self, run_id: RunId) {
        if let Some(entry) = self.lock().get(&run_id) {
            entry.ended.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Entry>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut runs = self.waiting.lock();
        if let hash_map::Entry::Occupied(mut entry) = runs.entry(self.run_id) {
            entry.get_mut().waiters -= 1;
            if entry.get().waiters == 0 {
                entry.remove();
            }
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
