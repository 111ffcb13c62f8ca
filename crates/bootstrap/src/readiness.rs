//! Whether a process can do its work: whether it has started, is not about to stop, and
//! what it needs answers.

mod dependencies;
mod hysteresis;

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use dependencies::Dependencies;

/// What readiness depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Its servers answered, and the database's schema is the one that it needs.
    pub started: bool,
    pub stopping: bool,
    pub database: bool,
    pub nats: bool,
}

impl Condition {
    pub fn is_ready(self) -> bool {
        self.started && !self.stopping && self.database && self.nats
    }
}

/// The process's condition, as it changes.
#[derive(Clone, Debug)]
pub struct Readiness {
    condition: watch::Sender<Condition>,
}

impl Readiness {
    /// Not ready before it is told that the process has started; not any more from `shutdown` on.
    pub fn new(shutdown: CancellationToken) -> Self {
        let readiness = Self { condition: watch::Sender::new(Condition::default()) };
        tokio::spawn({
            let readiness = readiness.clone();
            async move {
                shutdown.cancelled().await;
                readiness.change(|it| it.stopping = true);
            }
        });
        readiness
    }

    pub fn now(&self) -> Condition {
        *self.condition.borrow()
    }

    /// Waits until the condition is another one.
    pub async fn differs_from(&self, known: Condition) -> Condition {
        let mut condition = self.condition.subscribe();
        let changed = condition.wait_for(|it| *it != known).await;
        *changed.expect("the sender is ours")
    }

    /// The process does its work from now on, as far as its dependencies let it.
    pub fn start(&self) {
        self.change(|it| it.started = true);
    }

    /// Which of them count as there.
    pub fn note(&self, database: bool, nats: bool) {
        self.change(|it| (it.database, it.nats) = (database, nats));
    }

    fn change(&self, change: impl FnOnce(&mut Condition)) {
        self.condition.send_if_modified(|condition| {
            let before = *condition;
            change(condition);
            *condition != before
        });
    }
}
