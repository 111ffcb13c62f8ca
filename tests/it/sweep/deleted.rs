//! Sessions that are deleted while something goes on in them.

use futures::future;
use proto::v1::{self as pb, FinishReason, RunState};
use tonic::Code;

use crate::harness::{Endless, Expect as _, Harness, LONG_QUESTION};

#[tokio::test]
async fn all_that_is_unfinished_is_cancelled_and_comes_back_as_it_ended() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 2);
    let active = api.start(session.id, "active").await;
    let waiting = api.start(session.id, "waiting").await;
    provider.begun().await;

    let request = pb::DeleteSessionRequest { session_id: session.id, ..Default::default() };
    api.sessions.clone().delete_session(request).await.ok_response();
    let hidden = api.runs.clone().get_run(pb::GetRunRequest { run_id: active.id }).await;
    provider.dropped().await;
    let request = pb::UndeleteSessionRequest { session_id: session.id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();

    hidden.refused(Code::NotFound, "RUN_NOT_FOUND");
    let ((active, answer), (waiting, none)) =
        (api.wait(active.id).await, api.end(waiting.id).await);
    for run in [&active, &waiting] {
        let reason = run.error.as_ref().map(|it| it.reason.as_str());
        assert_eq!(
            (run.state(), reason),
            (RunState::Cancelled, Some("SESSION_DELETED")),
            "{run:?}"
        );
    }
    assert_eq!(answer.content, Endless::BEGINNING);
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
    assert_eq!((none, waiting.admitted_at), (None, None));
    assert_eq!(api.messages(session.id).await.len(), 2);
    harness.assert_sound(session.id).await;
}

#[tokio::test]
async fn those_who_wait_for_a_run_of_it_are_told_its_end() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let _worker = harness.worker(model::Builtin, 1);
    let wait = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let request = pb::StartRunRequest { wait, ..Default::default() };

    let delete = async {
        harness.statements_are(1).await;
        let request = pb::DeleteSessionRequest { session_id: session.id, ..Default::default() };
        api.sessions.clone().delete_session(request).await.ok_response();
        harness.statements_are(0).await
    };
    let (run, _) = future::join(api.try_start(session.id, LONG_QUESTION, request), delete).await;

    let run = run.unwrap();
    assert_eq!(run.state(), RunState::Cancelled, "{run:?}");
}

#[tokio::test]
async fn a_session_that_is_back_takes_questions_again() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;

    let request = pb::DeleteSessionRequest { session_id: session.id, ..Default::default() };
    api.sessions.clone().delete_session(request).await.ok_response();
    let request = pb::UndeleteSessionRequest { session_id: session.id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();
    let (_, answer) = api.ask(session.id, "SELECT 2").await;

    assert_eq!((answer.content.as_str(), answer.sequence_order), ("2", 4));
    harness.assert_sound(session.id).await;
}
