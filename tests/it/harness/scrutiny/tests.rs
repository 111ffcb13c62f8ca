use std::{collections::HashMap, time::Duration};

use tonic_types::ErrorDetails;

use super::*;

fn details(reason: &str) -> ErrorDetails {
    ErrorDetails::with_error_info(reason, "tertulia.v1", HashMap::new())
}

#[track_caller]
fn refuses(code: Code, message: &str, details: ErrorDetails) {
    let status = Status::with_error_details(code, message, details);
    assert!(check(&status).is_err(), "{status:?}");
}

#[test]
fn an_error_that_is_as_it_should_be_passes() {
    let mut overloaded = details("OVERLOADED");
    overloaded.set_retry_info(Some(Duration::from_secs(1)));
    let status = Status::with_error_details(Code::Unavailable, "too much", overloaded);

    assert_eq!(check(&status), Ok(()));
    assert_eq!(check(&Status::ok("")), Ok(()));
}

#[test]
fn an_error_has_one_reason_of_the_catalogue_with_its_code() {
    assert!(check(&Status::unknown("what")).is_err());
    refuses(Code::NotFound, "not there", details("NO_SUCH_REASON"));
    refuses(Code::NotFound, "not there", details("AGENT_MISMATCH"));
    let foreign = ErrorDetails::with_error_info("NOT_FOUND", "else.where", HashMap::new());
    refuses(Code::NotFound, "not there", foreign);
}

#[test]
fn an_error_says_whether_to_try_again_as_the_catalogue_does() {
    refuses(Code::Unavailable, "too much", details("OVERLOADED"));
    let mut hopeless = details("RUN_NOT_FOUND");
    hopeless.set_retry_info(Some(Duration::from_secs(1)));
    refuses(Code::NotFound, "not there", hopeless);
}

#[test]
fn an_error_says_something_and_not_too_much() {
    refuses(Code::NotFound, "", details("RUN_NOT_FOUND"));
    refuses(Code::NotFound, &"x".repeat(MAX_BYTES), details("RUN_NOT_FOUND"));
}

#[test]
fn nothing_in_an_error_tells_of_the_inside() {
    refuses(Code::NotFound, "no row in chat_sessions", details("RUN_NOT_FOUND"));
    let mut field = details("INVALID_FIELD");
    field.add_bad_request_violation("title", "refused by 10.0.0.7");
    refuses(Code::InvalidArgument, "title", field);
    let metadata = HashMap::from([("run_id".to_owned(), "/tmp/run".to_owned())]);
    let details = ErrorDetails::with_error_info("SESSION_BUSY", "tertulia.v1", metadata);
    refuses(Code::FailedPrecondition, "busy", details);
}

#[test]
fn only_what_a_data_source_quotes_may_sound_like_ours() {
    let failed = |message| {
        let details = details("DATA_SOURCE_FAILED");
        check(&Status::with_error_details(Code::FailedPrecondition, message, details))
    };

    assert_eq!(failed("relation \"data_sources\" does not exist"), Ok(()));
    assert!(failed("relation data_sources does not exist").is_err());
}

#[test]
#[should_panic = "not one ErrorInfo"]
fn what_is_wrong_fails_its_test_even_if_the_panic_is_lost() {
    let scrutiny = Scrutiny::default();
    let findings = scrutiny.0.clone();
    let lost = thread::spawn(move || {
        let mut headers = HeaderMap::new();
        Status::unknown("what").add_header(&mut headers).unwrap();
        findings.look(&headers);
    });
    assert!(lost.join().is_err());

    drop(scrutiny);
}
