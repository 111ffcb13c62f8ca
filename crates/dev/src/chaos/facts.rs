//! What the harness itself has seen, to be held against what is in the database at the end.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;

use super::event_log::Logs;

/// A question, and what the caller was told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    pub(super) number: i64,
    pub(super) question: String,
    pub(super) is_answerable: bool,
    pub(super) has_deadline: bool,
    pub(super) concurrency: &'static str,
    /// `acknowledged`, `refused`, `contradicted` if one call was acknowledged and the same was
    /// refused, or `unknown` if one was not answered.
    pub(super) outcome: &'static str,
    /// What it was refused with, and in which words if it was contradicted.
    pub(super) reason: String,
    /// What each acknowledgement said; all must be the same.
    pub(super) run_ids: Vec<i64>,
    /// How many calls it took in all.
    pub(super) attempts: u32,
    /// The state that CancelRun answered with.
    pub(super) cancelled_as: Option<String>,
}

/// What came of one watch.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Watched {
    pub(super) run_id: i64,
    pub(super) reconnects: u32,
    pub(super) saw_gap: bool,
    /// When it was over, in milliseconds since 1970.
    pub(super) until: i64,
    /// The state in the final event.
    pub(super) state: Option<String>,
    pub(super) problem: Option<String>,
}

/// How long it took until things went on again after a fault.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Recovery {
    pub(super) fault: String,
    pub(super) milliseconds: u64,
    /// Absent where nothing was promised.
    pub(super) limit_milliseconds: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Facts {
    asked: Mutex<Vec<Asked>>,
    watched: Mutex<Vec<Watched>>,
    recoveries: Mutex<Vec<Recovery>>,
    /// What went wrong with a fault or a process, by itself.
    oddities: Mutex<Vec<String>>,
    /// The event logs of streams that are deleted now.
    logs: Mutex<Logs>,
}

impl Facts {
    pub(super) fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        lock(&self.asked)
    }

    pub(super) fn watched(&self) -> MutexGuard<'_, Vec<Watched>> {
        lock(&self.watched)
    }

    pub(super) fn recoveries(&self) -> MutexGuard<'_, Vec<Recovery>> {
        lock(&self.recoveries)
    }

    pub(super) fn oddities(&self) -> MutexGuard<'_, Vec<String>> {
        lock(&self.oddities)
    }

    pub(super) fn logs(&self) -> MutexGuard<'_, Logs> {
        lock(&self.logs)
    }

    pub(super) fn recovered(&self, fault: &str, took: Duration, limit: Option<Duration>) {
        let milliseconds = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        self.recoveries().push(Recovery {
            fault: fault.to_owned(),
            milliseconds: milliseconds(took),
            limit_milliseconds: limit.map(milliseconds),
        });
    }

    /// How many questions were answered with what.
    pub(super) fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut outcomes = BTreeMap::new();
        for asked in self.asked().iter() {
            let outcome = format!("{} {}", asked.outcome, asked.reason);
            *outcomes.entry(outcome.trim().to_owned()).or_default() += 1;
        }
        outcomes
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
