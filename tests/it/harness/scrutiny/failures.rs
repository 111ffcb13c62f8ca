//! What is told of a run that failed.

use proto::v1::{self as pb, run_event::Event};
use session_service::error::failure;

use super::{leaks, said};

/// These repeat words of the statement, or of whoever cancelled, as they are.
const REPEATING: [&str; 6] = [
    "CANCELLED",
    "SQL_CONSTRUCT_NOT_ALLOWED",
    "SQL_FUNCTION_NOT_ALLOWED",
    "SQL_NOT_A_QUERY",
    "SQL_NOT_PARSED",
    "SQL_TABLE_NOT_ALLOWED",
];

#[track_caller]
pub(in crate::harness) fn look_at_run(run: &pb::Run) {
    look_at_error(run.error.as_ref());
}

#[track_caller]
pub(in crate::harness) fn look_at_event(event: &pb::RunEvent) {
    match &event.event {
        Some(Event::SqlError(it)) => look_at_error(it.error.as_ref()),
        Some(Event::State(it)) => look_at_error(it.error.as_ref()),
        Some(Event::Final(it)) => it.run.iter().for_each(look_at_run),
        _ => (),
    }
}

/// Looks at the message that stands in for the answer. Of what was tried before, each
/// statement's failure is an event of its own.
#[track_caller]
pub(in crate::harness) fn look_at_answer(run: &pb::Run, answer: &pb::Message) {
    let Some(error) = &run.error else { return };
    if answer.content.starts_with("The question could not be answered: ") {
        let (first, _) = answer.content.split_once("\n\n").unwrap_or((&answer.content, ""));
        let problem = check(&error.reason, first);
        problem.unwrap_or_else(|problem| panic!("{problem}: {answer:?}"));
    }
}

#[track_caller]
fn look_at_error(error: Option<&pb::RunError>) {
    let Some(error) = error else { return };
    let problem = check(&error.reason, &error.message);
    problem.unwrap_or_else(|problem| panic!("{problem}: {error:?}"));
}

fn check(reason: &str, text: &str) -> Result<(), String> {
    if failure::ALL.iter().all(|it| it.reason != reason) {
        return Err("its reason is not in the catalogue".to_owned());
    }
    if text.is_empty() {
        return Err("it has no message".to_owned());
    }
    if REPEATING.contains(&reason) { Ok(()) } else { leaks::check(&said(reason, text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(reason: &str, message: &str) -> pb::Run {
        let [reason, message] = [reason, message].map(str::to_owned);
        pb::Run { error: Some(pb::RunError { reason, message }), ..Default::default() }
    }

    #[test]
    fn a_failure_has_a_reason_of_the_catalogue_and_says_something() {
        look_at_run(&failed("SQL_TIMED_OUT", "the statement took too long"));
        check("NO_SUCH_REASON", "what").unwrap_err();
        check("SQL_TIMED_OUT", "").unwrap_err();
    }

    #[test]
    fn only_what_is_repeated_may_sound_like_ours() {
        check("SQL_TABLE_NOT_ALLOWED", "the table pg_catalog.pg_class is not").unwrap();
        check("SQL_FAILED", "relation \"run_results\" does not exist").unwrap();
        check("SQL_FAILED", "relation run_results does not exist").unwrap_err();
        check("MODEL_UNAVAILABLE", "connect: 10.0.0.7 refused").unwrap_err();
    }

    #[test]
    #[should_panic = "it says tokio"]
    fn what_stands_in_for_the_answer_is_looked_at() {
        let content = "The question could not be answered: tokio has stopped.".to_owned();
        let answer = pb::Message { content, ..Default::default() };
        look_at_answer(&failed("MODEL_UNAVAILABLE", "it has stopped"), &answer);
    }

    #[test]
    #[should_panic = "it says sqlx"]
    fn a_statement_that_failed_is_looked_at() {
        let [reason, message] = ["SQL_FAILED", "sqlx: timed out"].map(str::to_owned);
        let error = Some(pb::RunError { reason, message });
        let event = Event::SqlError(pb::SqlErrorEvent { error, ..Default::default() });
        look_at_event(&pb::RunEvent { event: Some(event), ..Default::default() });
    }
}
