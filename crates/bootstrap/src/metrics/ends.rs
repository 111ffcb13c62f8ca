//! Ends of runs, which both services bring about.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_histogram, histogram};

use super::Histograms;

const ENDED: &str = "tertulia_runs_ended_total";
const DURATION: &str = "tertulia_run_duration_seconds";
const ATTEMPTS: &str = "tertulia_run_attempts";

pub(super) const HISTOGRAMS: Histograms<'_> = &[
    (
        DURATION,
        &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0],
    ),
    (ATTEMPTS, &[0.0, 1.0, 2.0, 3.0]),
];

/// How runs end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End<'a> {
    /// As it is stored.
    pub state: &'static str,
    /// That of the run's error, or `none`.
    pub reason: &'a str,
}

/// Describes what is measured, and shows the ends that this service may bring about.
pub fn register_ends<'a>(ends: impl IntoIterator<Item = End<'a>>) {
    describe_counter!(
        ENDED,
        "Runs that this instance has ended, by their state and the reason of their error. Of runs \
         that are cancelled while a worker has them the reason is CANCELLED, whatever it was."
    );
    describe_histogram!(DURATION, "From the question to the end of its run, by the run's state.");
    describe_histogram!(ATTEMPTS, "Attempts that a run has taken, as of its end.");
    for End { state, reason } in ends {
        counter!(ENDED, "state" => state, "reason" => reason.to_owned()).increment(0);
        // To make one is to show it.
        let _ = histogram!(DURATION, "state" => state);
    }
    let _ = histogram!(ATTEMPTS);
}

/// A run has ended, so long after it was asked for.
pub fn run_ended(end: End<'_>, took: Duration, attempts: i32) {
    let End { state, reason } = end;
    counter!(ENDED, "state" => state, "reason" => reason.to_owned()).increment(1);
    histogram!(DURATION, "state" => state).record(took);
    histogram!(ATTEMPTS).record(attempts);
}
