//! Runs as they come and go: deliveries, attempts, ends.

use std::{sync::LazyLock, time::Duration};

use bootstrap::metrics::{End, register_ends};
use data_source::guard::Refusal;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use storage::{entity::run::Model, runs::Outcome};
use tokio::time::Instant;

use super::{Stage, took};

const ATTEMPTS: &str = "tertulia_attempts_total";
const GOING_ON: &str = "tertulia_attempts_in_flight";
const SLOTS: &str = "tertulia_worker_slots";
const DELIVERIES: &str = "tertulia_deliveries_total";
const NOT_PUBLISHED: &str = "tertulia_publish_failures_total";

const ENDS: [&str; 9] = [
    "succeeded",
    "failed",
    "cancelled",
    "expired",
    "retried",
    "panicked",
    "handed_over",
    "lost",
    "unsettled",
];
const KINDS: [&str; 3] = ["first", "repeated", "malformed"];

/// Why a run fails while a worker has it, besides what the guard refuses. What is not among
/// them is shown from its first time on.
const REASONS: [&str; 12] = [
    "SQL_TOO_EXPENSIVE",
    "SQL_FAILED",
    "SQL_TIMED_OUT",
    "DATA_SOURCE_UNAVAILABLE",
    "DATA_SOURCE_REFUSED",
    "DATA_SOURCE_NOT_FOUND",
    "MODEL_UNAVAILABLE",
    "MODEL_REFUSED",
    "MODEL_REJECTED",
    "MODEL_UNUSABLE",
    "MODEL_NOT_AVAILABLE",
    "INTERNAL",
];

static BY_END: LazyLock<[Counter; ENDS.len()]> =
    LazyLock::new(|| ENDS.map(|end| counter!(ATTEMPTS, "end" => end)));
static BEGUN: LazyLock<Gauge> = LazyLock::new(|| gauge!(GOING_ON));

/// What has become of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AttemptEnd {
    Succeeded,
    Failed,
    Cancelled,
    Expired,
    /// There will be another.
    Retried,
    /// The same, after a panic.
    Panicked,
    HandedOver,
    /// Another worker has the run.
    Lost,
    /// It could not be stored.
    Unsettled,
}

pub(super) fn register() {
    describe_counter!(
        ATTEMPTS,
        "Attempts at runs, by what became of them: the run has succeeded, failed, cancelled or \
         expired; it is tried again (retried, panicked); it was handed over at a shutdown; the \
         lease was lost, and another worker may have it (lost); the database was away (unsettled)."
    );
    describe_gauge!(GOING_ON, "Attempts that go on.");
    describe_gauge!(SLOTS, "How many may go on at once: WORKER_CONCURRENCY.");
    describe_counter!(
        DELIVERIES,
        "Wake-ups that NATS has delivered: for the first time, again, or not ones of ours."
    );
    describe_counter!(
        NOT_PUBLISHED,
        "Wake-ups and dead letters that could not be published. A wake-up is published again by \
         the sweep."
    );
    LazyLock::force(&BY_END);
    LazyLock::force(&BEGUN);
    gauge!(SLOTS).set(0);
    for kind in KINDS {
        counter!(DELIVERIES, "kind" => kind).increment(0);
    }
    counter!(NOT_PUBLISHED).increment(0);
    let others =
        [("succeeded", "none"), ("cancelled", "CANCELLED"), ("expired", "DEADLINE_EXCEEDED")];
    let reasons = Refusal::REASONS.into_iter().chain(REASONS);
    let all = others.into_iter().chain(reasons.map(|reason| ("failed", reason)));
    register_ends(all.map(|(state, reason)| End { state, reason }));
}

pub(crate) fn slots(concurrency: u16) {
    gauge!(SLOTS).set(concurrency);
}

pub(crate) fn delivered(is_ours: bool, is_repeated: bool) {
    let kind = match (is_ours, is_repeated) {
        (false, _) => "malformed",
        (true, true) => "repeated",
        (true, false) => "first",
    };
    counter!(DELIVERIES, "kind" => kind).increment(1);
}

pub(crate) fn not_published() {
    counter!(NOT_PUBLISHED).increment(1);
}

/// Counts an attempt as going on until what is returned is dropped. How long the run had to
/// wait is known when it is claimed for the first time.
pub(crate) fn attempt_begun(run: &Model) -> impl Drop + use<> {
    struct GoingOn;
    impl Drop for GoingOn {
        fn drop(&mut self) {
            BEGUN.decrement(1);
        }
    }
    if let (Some(admitted_at), true) = (run.admitted_at, run.started_at == Some(run.updated_at)) {
        took(Stage::Queued, (admitted_at - run.created_at).to_std().unwrap_or_default());
        took(Stage::Waiting, (run.updated_at - admitted_at).to_std().unwrap_or_default());
    }
    BEGUN.increment(1);
    GoingOn
}

pub(crate) fn attempt_ended(end: AttemptEnd) {
    BY_END[end as usize].increment(1);
}

/// A run has ended that was claimed at that time.
pub(crate) fn run_ended(run: &Model, claimed_at: Instant, outcome: &Outcome) {
    let (end, state, reason) = match outcome {
        Outcome::Succeeded => (AttemptEnd::Succeeded, "succeeded", "none"),
        Outcome::Failed(failure) => (AttemptEnd::Failed, "failed", failure.reason),
        Outcome::Cancelled => (AttemptEnd::Cancelled, "cancelled", "CANCELLED"),
        Outcome::Expired => (AttemptEnd::Expired, "expired", "DEADLINE_EXCEEDED"),
    };
    attempt_ended(end);
    // By the database's clock until the claim, and by ours from then on.
    let before: Duration = (run.updated_at - run.created_at).to_std().unwrap_or_default();
    let end = End { state, reason };
    bootstrap::metrics::run_ended(end, before + claimed_at.elapsed(), run.attempts);
}
