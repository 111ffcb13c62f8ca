//! What is measured of models.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

use crate::{Error, Usage};

const CALLS: &str = "tertulia_model_calls_total";
const DURATION: &str = "tertulia_model_call_duration_seconds";
const TOKENS: &str = "tertulia_model_tokens_total";
const BREAKER: &str = "tertulia_model_circuit_open";

/// The histograms, and the upper bounds of their buckets.
pub const HISTOGRAMS: &[(&str, &[f64])] = &[(
    DURATION,
    &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0],
)];

const OPERATIONS: [&str; 4] = ["plan", "answer", "summarize", "embed"];
const OUTCOMES: [&str; 7] =
    ["ok", "overloaded", "unreachable", "rejected", "refused", "unusable", "abandoned"];

/// What is asked of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Plan,
    Answer,
    Summarize,
    Embed,
}

/// The series of one model.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// By operation, then by outcome.
    calls: [[Counter; OUTCOMES.len()]; OPERATIONS.len()],
    durations: [Histogram; OPERATIONS.len()],
    prompt_tokens: Counter,
    completion_tokens: Counter,
}

impl Metrics {
    /// Of a model by the name that agents give it.
    pub(crate) fn of(name: &str) -> Self {
        describe();
        let (provider, model) = name.split_once('/').unwrap_or((name, name));
        let of = |label: (&'static str, &'static str)| {
            vec![
                metrics::Label::new("provider", provider.to_owned()),
                metrics::Label::new("model", model.to_owned()),
                metrics::Label::new(label.0, label.1),
            ]
        };
        let calls = |operation| {
            OUTCOMES.map(|outcome| {
                let mut labels = of(("operation", operation));
                labels.push(metrics::Label::new("outcome", outcome));
                counter!(CALLS, labels)
            })
        };
        Self {
            calls: OPERATIONS.map(calls),
            durations: OPERATIONS.map(|it| histogram!(DURATION, of(("operation", it)))),
            prompt_tokens: counter!(TOKENS, of(("kind", "prompt"))),
            completion_tokens: counter!(TOKENS, of(("kind", "completion"))),
        }
    }

    pub(crate) fn called(&self, operation: Operation, outcome: Outcome, took: Duration) {
        self.calls[operation as usize][outcome as usize].increment(1);
        self.durations[operation as usize].record(took);
    }

    pub(crate) fn spent(&self, usage: Usage) {
        self.prompt_tokens.increment(usage.prompt_tokens);
        self.completion_tokens.increment(usage.completion_tokens);
    }
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Ok,
    Overloaded,
    Unreachable,
    Rejected,
    Refused,
    Unusable,
    /// Nobody waited for the end.
    Abandoned,
}

impl From<&Error> for Outcome {
    fn from(error: &Error) -> Self {
        match error {
            Error::Overloaded | Error::Busy { .. } => Self::Overloaded,
            Error::Unreachable(_) => Self::Unreachable,
            Error::Rejected(_) => Self::Rejected,
            Error::Refused => Self::Refused,
            Error::Unusable(_) => Self::Unusable,
        }
    }
}

/// Whether a provider keeps failing, as far as is known.
pub(crate) fn circuit_of(provider: &str) -> Gauge {
    describe();
    gauge!(BREAKER, "provider" => provider.to_owned())
}

fn describe() {
    describe_counter!(
        CALLS,
        "Calls of models, by what was asked for and what came of it. A call is counted once, \
         however often it was tried. abandoned: its run was cancelled, or its time was over."
    );
    describe_histogram!(
        DURATION,
        "How long calls of models take, retries included; that of an answer until its last word."
    );
    describe_counter!(TOKENS, "Tokens that models were given (prompt) and have said (completion).");
    describe_gauge!(
        BREAKER,
        "Whether a provider has failed call after call, and no call has succeeded since: 1 or 0. It \
         is left alone for a while, and then tried."
    );
}
