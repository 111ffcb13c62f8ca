//! What an attempt at a run comes to.

use std::sync::Arc;

use crate::{
    entity::{
        message::{Cells, FinishReason},
        run::{State, TruncatedBy},
    },
    results::RunResult,
};

/// What an attempt ended with.
#[derive(Clone, Debug)]
pub struct Ending {
    pub outcome: Outcome,
    /// The answer, or as much of it as there is.
    pub content: String,
    /// The statement that was sent to the data source, if one was.
    pub sql: Option<String>,
    /// What the statement took, if it came to its end.
    pub execution: Option<Execution>,
    /// What of the data the content may hold.
    pub cells: Cells,
    /// What asking the model has cost, if one was asked.
    pub usage: Option<Usage>,
    /// Of the last event that was written about the attempt.
    pub last_event_id: i64,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    Succeeded,
    Failed(Failure),
    /// As was asked for; why is known to the run.
    Cancelled,
    /// It was not done in time.
    Expired,
}

impl Outcome {
    pub(super) fn apart(self) -> (State, FinishReason, Option<Failure>) {
        match self {
            Self::Succeeded => (State::Succeeded, FinishReason::Stop, None),
            Self::Failed(failure) => (State::Failed, FinishReason::Error, Some(failure)),
            Self::Cancelled => (State::Cancelled, FinishReason::Cancelled, None),
            Self::Expired => (State::Expired, FinishReason::Deadline, Some(Failure::expired())),
        }
    }
}

/// What a statement took, and what it gave.
#[derive(Clone, Debug)]
pub struct Execution {
    pub milliseconds: i64,
    pub row_count: i64,
    pub truncated_by: Option<TruncatedBy>,
    /// `None`: not known.
    pub total_rows: Option<i64>,
    pub result: Arc<RunResult>,
}

/// More than any provider's calls take; sums of as much are far from the columns' end.
const MAX_TOKENS: i64 = 1_000_000_000_000;

/// What asking a model has cost.
#[derive(Clone, Debug)]
pub struct Usage {
    pub model: String,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
}

impl Usage {
    /// For statements that add it to what a run has cost before. Providers say what they
    /// like, and a run must be stored whatever they say.
    pub(super) fn values(usage: Option<&Self>) -> [sea_orm::Value; 3] {
        let (prompt_tokens, completion_tokens) =
            usage.map_or((0, 0), |it| (it.prompt_tokens, it.completion_tokens));
        let [prompt_tokens, completion_tokens] =
            [prompt_tokens, completion_tokens].map(|it| it.clamp(0, MAX_TOKENS));
        let model = usage.map(|it| it.model.clone());
        [model.into(), prompt_tokens.into(), completion_tokens.into()]
    }
}

/// Why a run has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// For programs, UPPER_SNAKE_CASE.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

impl Failure {
    fn expired() -> Self {
        let message = "it was not answered before its deadline".to_owned();
        Self { reason: "DEADLINE_EXCEEDED", message }
    }
}
