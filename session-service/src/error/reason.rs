//! The catalogue of reasons: whatever a call fails with has one of these, and
//! docs/errors.md is made from them.

use tonic::Code;

/// Why a call failed, for programs. There are no others than those below.
#[expect(clippy::manual_non_exhaustive, reason = "the rest of the crate makes none either")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    pub name: &'static str,
    pub code: Code,
    pub again: Again,
    pub when: &'static str,
    pub what_to_do: &'static str,
    /// Only this module makes one.
    _listed: (),
}

/// Whether the same call may succeed later, with nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    No,
    /// `RetryInfo` says when.
    Later,
}

macro_rules! reasons {
    ($($name:ident: $code:ident, $again:ident, $when:literal, $what_to_do:literal;)*) => {
        $(pub(crate) const $name: Reason = Reason {
            name: stringify!($name),
            code: Code::$code,
            again: Again::$again,
            when: $when,
            what_to_do: $what_to_do,
            _listed: (),
        };)*

        pub const ALL: &[Reason] = &[$($name),*];
    };
}

reasons! {
    UNAUTHENTICATED: Unauthenticated, No,
        "There is no token, or it is not valid, not valid yet, or has expired.",
        "Get a new token; what is wrong with the old one is not said.";
    INVALID_FIELD: InvalidArgument, No,
        "Fields, or headers, are not as the reference says.",
        "Mend each field that BadRequest names.";
    MALFORMED_REQUEST: InvalidArgument, No,
        "The request is not a message of its type.",
        "Generate the client from the protos of this version.";
    UNIMPLEMENTED: Unimplemented, No,
        "There is no such method, or the request is compressed.",
        "Check the method's full name; send without compression.";
    NOT_FOUND: NotFound, No,
        "The health or the reflection service does not know what it was asked for.",
        "Ask for `tertulia.v1.SessionService`, or another name that reflection lists.";
    MESSAGE_TOO_LARGE: ResourceExhausted, No,
        "A message of the request has more bytes than the server takes (by default 1 MiB, and 4 MiB \
         in ImportTable).",
        "Send less; ImportTable takes its CSV in pieces.";
    HEADERS_TOO_LARGE: ResourceExhausted, No,
        "The request's headers have more bytes than the server takes (16 KiB by default).",
        "Send less; far beyond the bound the answer is HTTP 431, without a status of gRPC.";
    RATE_LIMITED: ResourceExhausted, Later,
        "The user calls more often than a user may (by default 300 times a second in the long run, \
         1,000 at once). QuotaFailure names the user and the limit.",
        "Wait, and call more slowly.";
    TOO_MANY_REQUESTS: ResourceExhausted, Later,
        "The user has as many calls going on as a user may (by default 1,000, and 10,000 that wait \
         for runs or watch them), or more than the server gets done. QuotaFailure names the user and \
         the limit.",
        "Wait until one has ended.";
    OVERLOADED: Unavailable, Later,
        "The server has more to do than it can serve in time.",
        "Wait, longer each time.";
    UNAVAILABLE: Unavailable, Later,
        "The server can't reach something that it needs, or that takes too long.",
        "Wait, longer each time; a change only with its `request_id`.";
    SHUTTING_DOWN: Unavailable, Later,
        "The server stops, and ends a watch.",
        "Watch again from `after_event_id`, which is in the metadata.";
    SLOW_CONSUMER: Aborted, No,
        "The events of a watch were not taken fast enough.",
        "Watch again at once, from `after_event_id`, which is in the metadata.";
    DEADLINE_EXCEEDED: DeadlineExceeded, No,
        "The call was not done within its `grpc-timeout`; what it was doing was stopped.",
        "Give it more time. A change may have been made: call again with the same `request_id`.";
    REQUEST_STALLED: DeadlineExceeded, No,
        "The request was begun, and no more of it arrived for 30 s.",
        "Send the whole of the request, without pauses.";
    CANCELLED: Cancelled, No,
        "The caller has left.",
        "Nothing, unless it was a proxy that left.";
    INTERNAL: Internal, No,
        "A fault of the server's; what it is stands in the server's log only.",
        "Tell the operator when it was. A change may be tried again with the same `request_id`.";
    REQUEST_ID_REUSED: AlreadyExists, No,
        "The `request_id` was used for another request before, and is still known: for 24 h, \
         or for as long as the operator has set.",
        "Make a new UUID for each request, and keep it for repetitions of that request only.";

    SESSION_NOT_FOUND: NotFound, No,
        "There is no such session, it is deleted, or it is another user's.",
        "Check the id; a session that was deleted can be brought back for 30 days.";
    ETAG_MISMATCH: Aborted, No,
        "The session was changed after `etag` was read.",
        "Read the session, and decide anew.";
    EMBEDDER_UNAVAILABLE: Unavailable, Later,
        "What is searched for can't be embedded now.",
        "Wait, or search with SEARCH_MODE_TEXT.";

    RUN_NOT_FOUND: NotFound, No,
        "There is no such run, its session is deleted, or it is another user's.",
        "Check the id.";
    RESULT_NOT_FOUND: NotFound, No,
        "The run has not ended with rows.",
        "Wait for its end; not every answer comes from rows.";
    RESULT_EXPIRED: NotFound, No,
        "The run has ended with rows, and they are not kept any more (RUN_RESULT_RETENTION_DAYS); the \
         answer and its statement are.",
        "Ask again.";
    QUEUE_FULL: ResourceExhausted, Later,
        "As many questions of the session wait for their turn as may (by default 100).",
        "Wait until one was answered, or cancel some.";
    TOO_MANY_RUNS: ResourceExhausted, Later,
        "As many runs of the user go on as may (MAX_RUNNING_RUNS_PER_USER). QuotaFailure names the \
         user and the limit.",
        "Wait until one has ended.";
    RUN_QUOTA_EXCEEDED: ResourceExhausted, Later,
        "The user has started as many runs today, from midnight UTC, as may be \
         (MAX_RUNS_PER_USER_PER_DAY). QuotaFailure names the user and the limit.",
        "Wait until the next day, when RetryInfo says.";
    TOKEN_QUOTA_EXCEEDED: ResourceExhausted, Later,
        "The user's runs of today, from midnight UTC, have used as many tokens as may be \
         (MAX_TOKENS_PER_USER_PER_DAY). QuotaFailure names the user and the limit.",
        "Wait until the next day, when RetryInfo says.";
    SESSION_BUSY: FailedPrecondition, No,
        "The session has an unfinished run, and CONCURRENCY_REJECT was asked for.",
        "Wait for the run, whose id is in the metadata as `run_id`.";

    AGENT_NOT_FOUND: NotFound, No,
        "There is no such agent, it is deleted, or it is another user's.",
        "Check the id.";
    AGENT_DELETED: FailedPrecondition, No,
        "The session's agent is deleted, and the session can only be read; or the agent that a new \
         session was to have is.",
        "Ask in a new session, with another agent.";
    AGENT_MISMATCH: InvalidArgument, No,
        "The session has another agent than `agent_id`.",
        "Leave `agent_id` out, or ask in a new session.";

    DATA_SOURCE_NOT_FOUND: NotFound, No,
        "There is no such data source, it is deleted, or it is another user's.",
        "Check the id.";
    DATA_SOURCE_IN_USE: FailedPrecondition, No,
        "An agent reads from the data source.",
        "Delete the agent first, or give it another data source.";
    DATA_SOURCE_REFUSED: FailedPrecondition, No,
        "The data source's address is not allowed, it refuses the login, or its certificate is \
         not trusted.",
        "Mend the data source. Private addresses have to be allowed by the operator.";
    DATA_SOURCE_SUPERUSER: FailedPrecondition, No,
        "The login role is a superuser.",
        "Give a role that can only read, or set `allow_superuser`.";
    DATA_SOURCE_FAILED: FailedPrecondition, No,
        "The data source refuses what it was asked for; the message is its own.",
        "Mend the role's rights there.";
    DATA_SOURCE_UNAVAILABLE: Unavailable, Later,
        "The data source does not answer, or has too much to do.",
        "Wait; check that it runs.";
    SCHEMA_TOO_LARGE: FailedPrecondition, No,
        "The login role can read more than 1,000 tables or 20,000 columns.",
        "Grant it SELECT on fewer.";
    TABLE_EXISTS: AlreadyExists, No,
        "The data set has a table of this name.",
        "Choose another name, or set `replace`.";
    CSV_INVALID: InvalidArgument, No,
        "The CSV can't be read, or is too much for a table; BadRequest says what is wrong. Where it \
         is one line, its number is in the metadata as `line`.",
        "Mend the CSV. Nothing was imported.";
    IMPORT_TOO_LARGE: ResourceExhausted, No,
        "The CSV has more bytes than the server takes (1 GiB by default).",
        "Import it as several tables. Nothing was imported.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_reason_is_listed_once() {
        let names: HashSet<&str> = ALL.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), ALL.len());
    }

    #[test]
    fn what_is_unavailable_may_be_tried_again() {
        for reason in ALL.iter().filter(|it| it.code == Code::Unavailable) {
            assert_eq!(reason.again, Again::Later, "{}", reason.name);
        }
    }
}
