//! What becomes of runs here, without a worker.

use std::{sync::LazyLock, time::Duration};

use bootstrap::metrics::{End, register_ends};
use metrics::{Counter, counter, describe_counter};
use storage::{
    entity::run::{Model, State},
    runs::ATTEMPTS_EXHAUSTED,
};

const NOT_PUBLISHED: &str = "tertulia_publish_failures_total";

static PUBLISH_FAILURES: LazyLock<Counter> = LazyLock::new(|| counter!(NOT_PUBLISHED));

/// How runs end that no worker has.
const ENDS: [End<'_>; 6] = [
    End { state: "cancelled", reason: "CANCELLED" },
    End { state: "cancelled", reason: "INTERRUPTED" },
    End { state: "cancelled", reason: "SUPERSEDED" },
    End { state: "cancelled", reason: "SESSION_DELETED" },
    End { state: "expired", reason: "DEADLINE_EXCEEDED" },
    End { state: "failed", reason: ATTEMPTS_EXHAUSTED },
];

pub(super) fn register() {
    describe_counter!(
        NOT_PUBLISHED,
        "Wake-ups and dead letters that could not be published. A wake-up is published again by \
         the sweep."
    );
    LazyLock::force(&PUBLISH_FAILURES);
    register_ends(ENDS);
}

/// Something is left to the sweep.
pub(crate) fn not_published() {
    PUBLISH_FAILURES.increment(1);
}

pub(crate) fn run_ended(run: &Model) {
    let state = match run.state {
        State::Succeeded => "succeeded",
        State::Cancelled => "cancelled",
        State::Expired => "expired",
        State::Failed => "failed",
        // These have not ended.
        State::Queued | State::Running | State::Cancelling => return,
    };
    let took = run.ended_at.and_then(|it| (it - run.created_at).to_std().ok());
    let reason = run.error_reason.as_deref().unwrap_or("none");
    bootstrap::metrics::run_ended(
        End { state, reason },
        took.unwrap_or(Duration::ZERO),
        run.attempts,
    );
}
