//! A cancel is final, and stops whatever is done for the run.

mod lost;
mod races;
mod running;

use futures::FutureExt as _;
use model::Error;
use proto::v1::{self as pb, FinishReason, RunState};
use tonic::Code;

use crate::harness::{Acting, Api, Expect as _, Harness, eventually};

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    (api, session.id)
}

#[track_caller]
fn assert_cancelled(run: &pb::Run) {
    let error = run.error.as_ref().expect("a cancelled run says why");
    let found = (run.state(), error.reason.as_str(), error.message.as_str());
    assert_eq!(found, (RunState::Cancelled, "CANCELLED", "no longer needed"), "{run:?}");
    assert!(run.ended_at.is_some());
}

#[tokio::test]
async fn a_question_that_waits_for_its_turn_ends_at_once_and_was_never_asked() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = api.start(session_id, "first").await;
    let second = api.start(session_id, "second").await;

    let cancelled = api.cancel(second.id).await;

    assert_cancelled(&cancelled);
    assert_eq!(api.end(second.id).await, (cancelled, None));
    assert_eq!(api.get_session(session_id).await.total_messages, 1);
    assert_eq!(api.run(first.id).await.state(), RunState::Queued);
    let _worker = harness.worker(model::Builtin, 1);
    api.wait(first.id).await;
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_no_worker_has_ends_at_once_and_the_next_is_admitted() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = api.start(session_id, "first").await;
    let second = api.start(session_id, "SELECT 2").await;

    let cancelled = api.cancel(first.id).await;

    assert_cancelled(&cancelled);
    let (first, answer) = api.wait(first.id).await;
    assert_eq!(first, cancelled);
    assert_eq!(answer.content, "The question was cancelled.");
    assert_eq!(
        (answer.finish_reason(), answer.sql_query),
        (FinishReason::Cancelled, "".to_owned())
    );
    assert!(api.run(second.id).await.admitted_at.is_some());
    let _worker = harness.worker(model::Builtin, 1);
    assert_eq!(api.wait(second.id).await.1.content, "2");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_backs_off_ends_at_once_and_is_not_tried_again() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let overloaded = Acting(|_| async { Err(Error::Overloaded) }.boxed());
    let worker = harness.worker(overloaded, 1);
    let run = api.start(session_id, "well?").await;
    eventually("the run backing off", async || {
        let run = api.run(run.id).await;
        (run.attempts == 1 && run.state() == RunState::Queued).then_some(())
    })
    .await;

    let cancelled = api.cancel(run.id).await;

    assert_cancelled(&cancelled);
    drop(worker);
    let _worker = harness.worker(model::Builtin, 1);
    api.ask(session_id, "SELECT 1").await;
    assert_eq!(api.run(run.id).await, cancelled);
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_has_ended_is_returned_unchanged() {
    let (harness, _worker) = Harness::start().await;
    let (api, session_id) = session(&harness).await;
    let (succeeded, answer) = api.ask(session_id, "SELECT 1").await;
    let (failed, _) = api.ask(session_id, "DROP TABLE nothing").await;

    for ended in [&succeeded, &failed] {
        assert_eq!(api.cancel(ended.id).await, *ended);
        assert_eq!(api.run(ended.id).await, *ended);
    }
    assert_eq!(api.wait(succeeded.id).await.1, answer);
    assert_eq!(api.get_session(session_id).await.total_messages, 4);
}

#[tokio::test]
async fn what_is_no_run_of_the_caller_is_not_found() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let run = api.start(session_id, "well?").await;
    let mut statuses = Vec::new();

    for run_id in [run.id, i64::MAX] {
        let request = pb::CancelRunRequest { run_id, ..Default::default() };
        let cancelled = harness.api(2).runs.cancel_run(request).await;
        statuses.push(cancelled.refused(Code::NotFound, "RUN_NOT_FOUND"));
    }

    assert_eq!(statuses[0].details(), statuses[1].details());
    assert_eq!(api.run(run.id).await, run);
}

#[tokio::test]
async fn a_reason_that_is_not_given_is_filled_in() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let run_id = api.start(session_id, "well?").await.id;

    let request = pb::CancelRunRequest { run_id, ..Default::default() };
    let run = api.runs.clone().cancel_run(request).await.ok_response().run.unwrap();

    assert_eq!(run.error.unwrap().message, "it was cancelled");
}
