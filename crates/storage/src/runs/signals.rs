//! What a transaction about runs leaves to be published.

use super::WakeUp;
use crate::{RunId, entity::run::Model};

/// What to publish once it is committed. All of it may be lost: who has to know
/// looks by himself in time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// Runs whose workers have to stop.
    pub cancelling: Vec<RunId>,
    /// Runs that have ended without a worker.
    pub ended: Vec<Model>,
    /// The session's next run.
    pub wake_up: Option<WakeUp>,
}

impl Signals {
    /// Adds what another transaction has left, which woke nobody.
    pub(crate) fn extend(&mut self, other: Self) {
        self.cancelling.extend(other.cancelling);
        self.ended.extend(other.ended);
    }

    /// Adds what a run has become.
    pub(super) fn add(&mut self, run: &Model) {
        match run.ended_at {
            None => self.cancelling.push(run.id),
            Some(_) => self.ended.push(run.clone()),
        }
    }
}
