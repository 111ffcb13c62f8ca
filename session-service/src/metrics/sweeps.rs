//! The sweeps: whether they are made, and what they find.

use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

const SUCCEEDED_AT: &str = "tertulia_sweep_last_success_timestamp_seconds";
const FAILURES: &str = "tertulia_sweep_failures_total";
const DONE: &str = "tertulia_sweep_done_total";

/// Those that there are; a sweep that is not among them is shown from its first time on.
const SWEEPS: [&str; 7] =
    ["runs", "overdue_runs", "requests", "data_sets", "imports", "retention", "user_data"];

/// The series of one sweep.
#[derive(Clone)]
pub(crate) struct Sweep {
    succeeded_at: Gauge,
    failures: Counter,
    done: Counter,
}

pub(super) fn register() {
    describe_gauge!(
        SUCCEEDED_AT,
        "When this instance has last come to the end of a sweep, as a Unix time. At first when it \
         began to sweep; 0: not yet."
    );
    describe_counter!(FAILURES, "Sweeps that failed. Each is tried again at once.");
    describe_counter!(
        DONE,
        "What was due, and was looked at: runs, overdue_runs (sessions that have one), requests \
         (forgotten), data_sets (dropped), imports (forgotten), retention (pieces and rows purged), \
         user_data (deletions gone on with)."
    );
    for sweep in SWEEPS {
        Sweep::of(sweep);
    }
}

impl Sweep {
    /// By its name in the log.
    pub(crate) fn of(name: &str) -> Self {
        let name = name.replace(' ', "_");
        Self {
            succeeded_at: gauge!(SUCCEEDED_AT, "sweep" => name.clone()),
            failures: counter!(FAILURES, "sweep" => name.clone()),
            done: counter!(DONE, "sweep" => name),
        }
    }

    /// From now on it is late if it does not come to its end.
    pub(crate) fn begins(&self) {
        self.succeeded_at.set(unix_time());
    }

    pub(crate) fn succeeded(&self, done: u64) {
        self.succeeded_at.set(unix_time());
        self.done.increment(done);
    }

    pub(crate) fn failed(&self) {
        self.failures.increment(1);
    }
}

fn unix_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
