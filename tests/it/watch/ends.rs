//! Attempts that are not the last, and ends without an answer.

use model::{Error, Plan};
use proto::v1::{FinishReason, RunState, run_event::Event};
use tonic::Code;

use super::{end, kind, kinds, queued};
use crate::harness::{Expect as _, Harness, Scripted, Talker, numbered, text};

#[tokio::test]
async fn an_attempt_that_failed_is_not_the_end_of_the_watch() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let watch = api.watch(run.id, 0).await;
    let plans = [Err(Error::Overloaded), Ok(Plan::Reply("at last".to_owned()))];
    let _worker = harness.worker(Scripted::new(plans), 1);

    let events = watch.rest().await;

    let expected = ["state", "attempt", "state", "attempt", "text_delta", "final"];
    assert_eq!(kinds(&events), expected);
    let Some(Event::State(queued)) = &events[2].event else { panic!("{events:?}") };
    assert_eq!(queued.state(), RunState::Queued);
    assert_eq!(queued.error.as_ref().unwrap().reason, "MODEL_UNAVAILABLE");
    assert!((1..=2).contains(&queued.retry_after.unwrap().seconds), "{queued:?}");
    assert!(matches!(&events[3].event, Some(Event::Attempt(it)) if it.number == 2));
    assert!(events[2].event_id < events[3].event_id);
    let (run, answer) = end(&events);
    assert_eq!((run.state(), run.error), (RunState::Succeeded, None));
    assert_eq!((text(&events), answer.unwrap().content), ("at last".into(), "at last".into()));
    assert_eq!(numbered(&api.watch(run.id, 0).await.rest().await), events[1..]);
}

#[tokio::test]
async fn a_statement_that_fails_is_shown_before_the_end() {
    let (harness, _worker) = Harness::start().await;
    harness.log_is_there().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "SELECT 1 / 0").await;

    let events = api.watch(run.id, 0).await.rest().await;

    let expected = ["state", "attempt", "sql_generated", "sql_error", "final"];
    assert_eq!(kinds(&events), expected);
    let Some(Event::SqlError(failed)) = &events[3].event else { panic!("{events:?}") };
    let (run, answer) = end(&events);
    assert_eq!((run.state(), run.error.clone()), (RunState::Failed, failed.error.clone()));
    assert_eq!(run.error.unwrap().reason, "SQL_FAILED");
    assert_eq!(answer.unwrap().finish_reason(), FinishReason::Error);
}

#[tokio::test]
async fn a_run_that_is_cancelled_ends_with_what_was_said() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut watch = api.watch(run.id, 0).await;
    let talker = Talker::shared();
    let _worker = harness.worker(talker, 1);
    talker.say("half an answer");
    watch.until("half an answer").await;

    api.cancel(run.id).await;
    let events = watch.rest().await;

    assert_eq!(kinds(&events), ["state", "final"]);
    assert!(
        matches!(&events[0].event, Some(Event::State(it)) if it.state() == RunState::Cancelling)
    );
    let (run, answer) = end(&events);
    let error = run.error.clone().expect("it says why");
    assert_eq!((run.state(), error.reason.as_str()), (RunState::Cancelled, "CANCELLED"));
    let answer = answer.expect("its turn had come");
    let said = (answer.content.as_str(), answer.finish_reason());
    assert_eq!(said, ("half an answer", FinishReason::Cancelled));
}

#[tokio::test]
async fn a_run_that_nobody_worked_on_ends_without_a_gap() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let second = api.start(run.session_id, "and then?").await;
    let watches = [api.watch(run.id, 0).await, api.watch(second.id, 0).await];

    api.cancel(second.id).await;
    api.cancel(run.id).await;

    for (watch, has_answer) in watches.into_iter().zip([true, false]) {
        let events = watch.rest().await;
        assert_eq!(kinds(&events), ["state", "final"]);
        let (run, answer) = end(&events);
        assert_eq!((run.state(), answer.is_some()), (RunState::Cancelled, has_answer));
        assert_eq!(numbered(&api.watch(run.id, 0).await.rest().await), events[1..]);
    }
}

#[tokio::test]
async fn an_end_without_the_worker_is_above_whatever_the_worker_has_sent() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut watch = api.watch(run.id, 0).await;
    let mut dead = harness.attempt_for(run.id, std::time::Duration::from_secs(1)).await;
    dead.say_all(["half an answer"]).await;
    watch.until("half an answer").await;

    api.cancel(run.id).await;
    let events = watch.rest().await;

    assert_eq!(kinds(&events), ["state", "final"]);
    assert!(dead.last_event_id() < events[0].event_id);
    assert_eq!(end(&events).0.state(), RunState::Cancelled);
    // It wakes, and has not heard of the end yet.
    dead.say_all(["from the grave"]).await;
    let resumed = api.watch(run.id, dead.last_event_id()).await.rest().await;
    assert_eq!(resumed, events);
}

#[tokio::test]
async fn deleting_the_session_ends_its_watches_with_the_end_of_the_runs() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let queued = api.start(run.session_id, "and then?").await;
    let talker = Talker::shared();
    let _worker = harness.worker(talker, 1);
    let (mut active, waiting) = (api.watch(run.id, 0).await, api.watch(queued.id, 0).await);
    talker.say("half an answer");
    active.until("half an answer").await;

    api.delete_session(run.session_id).await;

    let (active, waiting) = (active.rest().await, waiting.rest().await);
    assert_eq!(active.iter().filter(|it| kind(it) == "gap").count(), 0);
    for (events, said) in [(active, Some("half an answer")), (waiting, None)] {
        let (run, answer) = end(&events);
        let reason = run.error.expect("it says why").reason;
        assert_eq!((run.state, reason.as_str()), (RunState::Cancelled.into(), "SESSION_DELETED"));
        assert_eq!(answer.as_ref().map(|it| it.content.as_str()), said);
        let request = proto::v1::WatchRunRequest { run_id: run.id, after_event_id: 0 };
        let again = api.runs.clone().watch_run(request).await;
        again.map(|_| tonic::Response::new(())).refused(Code::NotFound, "RUN_NOT_FOUND");
    }
}
