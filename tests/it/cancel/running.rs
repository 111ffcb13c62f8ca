//! Runs that a worker has.

use std::time::{Duration, Instant};

use proto::v1::{FinishReason, RunState};

use super::{assert_cancelled, session};
use crate::harness::{Endless, Gate, Harness, LONG_QUESTION, Manner};

#[tokio::test]
async fn what_was_answered_so_far_is_kept_and_nothing_is_done_any_more() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);
    let run = api.start(session_id, "well?").await;
    provider.begun().await;

    let cancelling = api.cancel(run.id).await;
    let (run, answer) = api.wait(run.id).await;
    provider.dropped().await;

    assert_eq!(cancelling.state(), RunState::Cancelling);
    assert_eq!(cancelling.error, run.error);
    assert_cancelled(&run);
    assert_eq!(run.sql_query, Endless::SQL);
    assert_eq!((run.attempts, run.row_count), (1, 1));
    assert_eq!(answer.content, Endless::BEGINNING);
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
    assert_eq!(answer.sql_query, Endless::SQL);
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_has_said_nothing_yet_says_that_it_was_cancelled_and_frees_its_slot() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    let first = api.start(session_id, "first").await;
    let second = api.start(session_id, "second").await;
    gate.asked().await;

    api.cancel(first.id).await;
    let (first, answer) = api.wait(first.id).await;

    assert_cancelled(&first);
    assert_eq!(
        (answer.content.as_str(), answer.sql_query.as_str()),
        ("The question was cancelled.", "")
    );
    gate.let_through(1);
    assert_eq!(api.wait(second.id).await.1.content, "you asked: second");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn whoever_cancels_again_changes_nothing() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let worker = harness.worker(provider, 1);
    let run = api.start(session_id, "well?").await;
    provider.begun().await;
    // It can't hear of it.
    drop(worker);

    let first = api.cancel(run.id).await;
    let request = proto::v1::CancelRunRequest {
        run_id: run.id,
        reason: "another one".to_owned(),
        ..Default::default()
    };
    let second = api.runs.clone().cancel_run(request.clone()).await.unwrap().into_inner().run;
    let (ended, _) = api.wait(run.id).await;
    let third = api.runs.clone().cancel_run(request).await.unwrap().into_inner().run;

    assert_eq!(first.state(), RunState::Cancelling);
    assert_eq!(second.map(|it| (it.state(), it.error)), Some((first.state(), first.error)));
    assert_cancelled(&ended);
    assert_eq!(third, Some(ended));
}

#[tokio::test]
async fn the_data_sources_statement_is_stopped() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let _worker = harness.separate_worker(model::Builtin, Manner::default()).await;
    let run = api.start(session.id, LONG_QUESTION).await;
    harness.statements_are(1).await;

    let cancelled_at = Instant::now();
    api.cancel(run.id).await;
    harness.statements_are(0).await;
    let took = cancelled_at.elapsed();

    assert!(took < Duration::from_secs(1), "{took:?}");
    let (run, answer) = api.wait(run.id).await;
    assert_cancelled(&run);
    // It has produced nothing, though it was sent.
    assert!(run.sql_query.starts_with("SELECT count(*)"), "{run:?}");
    assert_eq!(answer.sql_query, "");
}

#[tokio::test]
async fn the_data_sources_statement_of_a_worker_that_dies_is_stopped() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let worker = harness.worker(model::Builtin, 1);
    let run = api.start(session.id, LONG_QUESTION).await;
    harness.statements_are(1).await;

    drop(worker);

    let took = harness.statements_are(0).await;
    assert!(took < Duration::from_secs(3), "{took:?}");
    api.cancel(run.id).await;
    assert_cancelled(&api.wait(run.id).await.0);
}
