//! Who listens to what is published about which run.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast::{self, error::RecvError};

/// Passes on what is published about a run to those who listen, and to nobody else.
#[derive(Clone, Debug)]
pub struct Listeners<T> {
    runs: Arc<Mutex<HashMap<i64, broadcast::Sender<T>>>>,
    capacity: usize,
}

/// One who listens to a run; leaves when dropped.
#[derive(Debug)]
pub struct Listener<T> {
    listeners: Listeners<T>,
    run_id: i64,
    /// `None` only while it is dropped.
    receiver: Option<broadcast::Receiver<T>>,
}

/// More was published than was kept for a listener.
#[derive(Debug, PartialEq, Eq)]
pub struct Lagged;

impl<T: Clone> Listeners<T> {
    /// Up to `capacity` messages are kept for those who have not taken them yet.
    pub fn new(capacity: usize) -> Self {
        Self { runs: Arc::default(), capacity }
    }

    /// Listens to a run from now on.
    pub fn join(&self, run_id: i64) -> Listener<T> {
        let mut runs = self.lock();
        let receiver = match runs.get(&run_id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = broadcast::channel(self.capacity);
                runs.insert(run_id, sender);
                receiver
            }
        };
        Listener { listeners: self.clone(), run_id, receiver: Some(receiver) }
    }

    /// Passes a message on to those who listen to the run.
    pub fn announce(&self, run_id: i64, message: T) {
        if let Some(sender) = self.lock().get(&run_id) {
            // It fails if nobody listens, which is no failure.
            let _ = sender.send(message);
        }
    }
}

impl<T> Listeners<T> {
    /// The runs that someone listens to.
    pub fn run_ids(&self) -> Vec<i64> {
        self.lock().keys().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, broadcast::Sender<T>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Listener<T> {
    /// Waits for the next message.
    pub async fn next(&mut self) -> Result<T, Lagged> {
        self.receiver().recv().await.map_err(|error| match error {
            RecvError::Lagged(_) => Lagged,
            RecvError::Closed => unreachable!("the sender stays for as long as someone listens"),
        })
    }

    /// The next message, if it is there.
    pub fn try_next(&mut self) -> Option<T> {
        self.receiver().try_recv().ok()
    }

    fn receiver(&mut self) -> &mut broadcast::Receiver<T> {
        self.receiver.as_mut().expect("a listener listens until it is dropped")
    }
}

impl<T> Drop for Listener<T> {
    fn drop(&mut self) {
        let mut runs = self.listeners.lock();
        // Under the lock: of two that leave at once, the second sees that it is the last.
        drop(self.receiver.take());
        if runs.get(&self.run_id).is_some_and(|sender| sender.receiver_count() == 0) {
            runs.remove(&self.run_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_reaches_all_who_listen_to_its_run_and_nobody_else() {
        let listeners = Listeners::new(4);
        let (mut one, mut two, mut other) =
            (listeners.join(1), listeners.join(1), listeners.join(2));

        listeners.announce(1, "ended");

        assert_eq!(one.next().await, Ok("ended"));
        assert_eq!(two.next().await, Ok("ended"));
        assert_eq!(other.try_next(), None);
    }

    #[tokio::test]
    async fn one_who_is_too_slow_learns_that_he_has_missed_something() {
        let listeners = Listeners::new(2);
        let mut slow = listeners.join(1);

        for n in 0..3 {
            listeners.announce(1, n);
        }

        assert_eq!(slow.next().await, Err(Lagged));
        assert_eq!(slow.next().await, Ok(1));
    }

    #[test]
    fn nothing_is_kept_once_nobody_listens() {
        let listeners = Listeners::<()>::new(1);
        let (one, two) = (listeners.join(1), listeners.join(1));

        drop(one);
        assert_eq!(listeners.run_ids(), [1]);
        drop(two);
        assert!(listeners.run_ids().is_empty());
    }

    #[test]
    fn nothing_is_kept_when_many_leave_at_once() {
        let listeners = Listeners::<()>::new(1);
        for _ in 0..1_000 {
            let all: Vec<_> = (0..4).map(|_| listeners.join(1)).collect();
            let start = std::sync::Barrier::new(all.len());
            std::thread::scope(|scope| {
                for one in all {
                    scope.spawn(|| {
                        start.wait();
                        drop(one);
                    });
                }
            });
            assert!(listeners.run_ids().is_empty());
        }
    }
}
