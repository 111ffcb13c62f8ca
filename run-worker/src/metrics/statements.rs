//! What it takes to answer: models, statements, results.

use std::{sync::LazyLock, time::Duration};

use bootstrap::metrics::Histograms;
use data_source::{Error as SourceError, guard::Refusal, rows::TruncatedBy};
use metrics::{Counter, Histogram, counter, describe_counter, describe_histogram, histogram};
use tokio::time::Instant;

const STAGES_TOOK: &str = "tertulia_run_stage_duration_seconds";
const STATEMENTS: &str = "tertulia_sql_statements_total";
const REFUSALS: &str = "tertulia_sql_guard_refusals_total";
const CORRECTIONS: &str = "tertulia_sql_corrections_total";
const GIVEN_UP: &str = "tertulia_sql_budget_ends_total";
const TRUNCATIONS: &str = "tertulia_result_truncations_total";

pub(super) const HISTOGRAMS: Histograms<'_> = &[(
    STAGES_TOOK,
    &[
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
        900.0,
    ],
)];

const STAGES: [&str; 7] = ["queued", "waiting", "plan", "guard", "sql", "answer", "capture"];
const OUTCOMES: [&str; 6] =
    ["executed", "refused", "too_expensive", "timed_out", "failed", "unavailable"];
const TRUNCATED_BY: [&str; 2] = ["rows", "bytes"];

/// The stages of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    Queued,
    Waiting,
    Plan,
    Guard,
    Sql,
    Answer,
    Capture,
}

#[derive(Clone, Copy, Debug)]
enum Outcome {
    Executed,
    Refused,
    TooExpensive,
    TimedOut,
    Failed,
    Unavailable,
}

static BY_STAGE: LazyLock<[Histogram; STAGES.len()]> =
    LazyLock::new(|| STAGES.map(|stage| histogram!(STAGES_TOOK, "stage" => stage)));
static BY_OUTCOME: LazyLock<[Counter; OUTCOMES.len()]> =
    LazyLock::new(|| OUTCOMES.map(|outcome| counter!(STATEMENTS, "outcome" => outcome)));

pub(super) fn register() {
    describe_histogram!(
        STAGES_TOOK,
        "How long the stages of runs take: queued (behind another of the session), waiting (for a \
         worker), plan (each call of the model), guard (each statement), sql (each statement, \
         EXPLAIN included), answer (until its last word), capture (storing the end)."
    );
    describe_counter!(
        STATEMENTS,
        "Statements that models have planned, by what came of them: refused by the guard, too \
         expensive by the planner's estimate, timed_out, failed at their data source, unavailable: \
         it did not answer."
    );
    describe_counter!(REFUSALS, "Statements that the guard has refused, by the rule.");
    describe_counter!(CORRECTIONS, "Statements that failed and were given back to the model.");
    describe_counter!(
        GIVEN_UP,
        "Questions without a statement that could be executed, when no other was to be tried."
    );
    describe_counter!(TRUNCATIONS, "Results that were cut, by the limit: max_rows or bytes.");
    LazyLock::force(&BY_STAGE);
    LazyLock::force(&BY_OUTCOME);
    for reason in Refusal::REASONS {
        counter!(REFUSALS, "reason" => reason).increment(0);
    }
    counter!(CORRECTIONS).increment(0);
    counter!(GIVEN_UP).increment(0);
    for by in TRUNCATED_BY {
        counter!(TRUNCATIONS, "by" => by).increment(0);
    }
}

pub(crate) fn took(stage: Stage, time: Duration) {
    BY_STAGE[stage as usize].record(time);
}

/// Measures what comes to its end, and nothing that is dropped before.
pub(crate) async fn timed<T>(stage: Stage, work: impl Future<Output = T>) -> T {
    let began_at = Instant::now();
    let done = work.await;
    took(stage, began_at.elapsed());
    done
}

fn count(outcome: Outcome) {
    BY_OUTCOME[outcome as usize].increment(1);
}

pub(crate) fn refused(refusal: &Refusal) {
    count(Outcome::Refused);
    counter!(REFUSALS, "reason" => refusal.reason()).increment(1);
}

pub(crate) fn executed() {
    count(Outcome::Executed);
}

/// A statement came to nothing at its data source.
pub(crate) fn failed(error: &SourceError) {
    let outcome = match error {
        SourceError::TooExpensive { .. } => Outcome::TooExpensive,
        SourceError::TimedOut => Outcome::TimedOut,
        SourceError::Statement { .. } => Outcome::Failed,
        _ => Outcome::Unavailable,
    };
    count(outcome);
}

pub(crate) fn corrected() {
    counter!(CORRECTIONS).increment(1);
}

/// No statement is tried any more.
pub(crate) fn gave_up() {
    counter!(GIVEN_UP).increment(1);
}

pub(crate) fn truncated(by: TruncatedBy) {
    let by = match by {
        TruncatedBy::Rows => TRUNCATED_BY[0],
        TruncatedBy::Bytes => TRUNCATED_BY[1],
    };
    counter!(TRUNCATIONS, "by" => by).increment(1);
}
