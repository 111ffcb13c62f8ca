//! The catalogue of what a run can end with instead of an answer: the reasons of
//! `Run.error`. They are given where runs are executed, cancelled and ended.

/// Why a run has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: &'static str,
    pub when: &'static str,
    pub what_to_do: &'static str,
}

const fn failure(reason: &'static str, when: &'static str, what_to_do: &'static str) -> Failure {
    Failure { reason, when, what_to_do }
}

pub const ALL: &[Failure] = &[
    failure(
        "CANCELLED",
        "CancelRun was called; the message is its `reason`.",
        "Nothing: somebody wanted it so.",
    ),
    failure(
        "INTERRUPTED",
        "A question with CONCURRENCY_INTERRUPT came while it was going on.",
        "Wait for the run of that question.",
    ),
    failure(
        "SUPERSEDED",
        "A question with CONCURRENCY_INTERRUPT came before its turn.",
        "Wait for the run of that question.",
    ),
    failure("SESSION_DELETED", "Its session was deleted.", "Nothing: somebody wanted it so."),
    failure(
        "DEADLINE_EXCEEDED",
        "It was not answered by `expires_at`.",
        "Ask for less, or give a longer `deadline`.",
    ),
    failure(
        "SQL_TOO_LARGE",
        "The statement has more than 16 KiB, or is nested too deeply.",
        "Ask for less at a time.",
    ),
    failure(
        "SQL_NOT_PARSED",
        "The statement can't be read as SQL.",
        "Mend the statement, or word the question differently.",
    ),
    failure(
        "SQL_NOT_A_QUERY",
        "The statement is not one SELECT query.",
        "Ask for data only: nothing is ever changed.",
    ),
    failure(
        "SQL_TABLE_NOT_ALLOWED",
        "The statement reads a table that the agent may not.",
        "Ask about others, or mend the agent's `table_allow_list`.",
    ),
    failure(
        "SQL_FUNCTION_NOT_ALLOWED",
        "The statement calls a function that is not known to be harmless.",
        "Word the question differently.",
    ),
    failure(
        "SQL_CONSTRUCT_NOT_ALLOWED",
        "The statement has something that a query may not have.",
        "Word the question differently.",
    ),
    failure(
        "SQL_TOO_EXPENSIVE",
        "The data source's planner expects the statement to cost more than the agent's `max_cost`.",
        "Ask for less, or raise `max_cost`.",
    ),
    failure(
        "SQL_FAILED",
        "The data source refused the statement; the message is its own.",
        "Word the question differently; check the login role's rights.",
    ),
    failure(
        "SQL_TIMED_OUT",
        "The statement took longer than the agent's `statement_timeout_ms`.",
        "Ask for less, or raise the limit.",
    ),
    failure(
        "DATA_SOURCE_UNAVAILABLE",
        "The data source did not answer, three times.",
        "Check that it runs, and ask again.",
    ),
    failure(
        "DATA_SOURCE_REFUSED",
        "The data source's address is not allowed, it refuses the login, or its login role can \
         read too much.",
        "Call TestDataSource and RefreshSchema, and mend the data source.",
    ),
    failure(
        "DATA_SOURCE_NOT_FOUND",
        "The agent's data source was deleted.",
        "Give the agent another one.",
    ),
    failure(
        "MODEL_UNAVAILABLE",
        "The agent's model did not answer, three times.",
        "Ask again later.",
    ),
    failure("MODEL_REFUSED", "The model refused to answer.", "Word the question differently."),
    failure(
        "MODEL_REJECTED",
        "The model's provider does not accept the request.",
        "Tell the operator: the provider's settings do not fit it.",
    ),
    failure(
        "MODEL_UNUSABLE",
        "What the model said makes no sense.",
        "Word the question differently, or give the agent another model.",
    ),
    failure(
        "MODEL_NOT_AVAILABLE",
        "The operator has removed the agent's model.",
        "Give the agent another model.",
    ),
    failure(
        "ATTEMPTS_EXHAUSTED",
        "Three workers began with it, and died or failed.",
        "Ask again; tell the operator if it comes again.",
    ),
    failure(
        "INTERNAL",
        "A fault of the service's; what it is stands in its log only.",
        "Tell the operator which run it was.",
    ),
];
