//! Questions that take the place of others.

use std::time::Duration;

use proto::v1::{Concurrency, FinishReason, RunState};

use super::{RACERS, race, session, start_by};
use crate::harness::{Endless, Gate, Harness, LONG_QUESTION};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_take_each_others_place_the_last_one_is_answered() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 4);
    let active = api.start(session_id, "active").await;
    gate.asked().await;
    let waiting = api.start(session_id, "waiting").await;

    let all = race(&api, session_id, (0..RACERS).map(|_| Concurrency::Interrupt));
    let (mut accepted, refused) = all.await;
    // Those that do not know yet that they are cancelled may pass too.
    gate.let_through(RACERS + 2);

    assert!(refused.is_empty(), "{refused:?}");
    let last = accepted.pop().expect("all were accepted");
    let (last, answer) = api.wait(last.id).await;
    assert_eq!(last.state(), RunState::Succeeded, "{last:?}");
    assert_eq!(answer.content, format!("you asked: {}", last.question));
    for run in accepted.iter().chain([&active, &waiting]) {
        let (run, answer) = api.end(run.id).await;
        let reason = run.error.as_ref().map(|it| it.reason.as_str());
        let expected = if run.admitted_at.is_some() { "INTERRUPTED" } else { "SUPERSEDED" };
        assert_eq!((run.state(), reason), (RunState::Cancelled, Some(expected)), "{run:?}");
        assert_eq!(answer.is_some(), run.admitted_at.is_some());
    }
    assert_eq!(api.run(active.id).await.error.unwrap().reason, "INTERRUPTED");
    assert_eq!(api.run(waiting.id).await.error.unwrap().reason, "SUPERSEDED");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn what_is_interrupted_keeps_what_it_has_said_and_the_next_one_begins_at_once() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);
    let first = api.start(session_id, "first").await;
    provider.begun().await;

    let second = start_by(&api, session_id, "second", Concurrency::Interrupt).await.unwrap();
    let (first, answer) = api.wait(first.id).await;
    provider.begun().await;

    assert_eq!(first.error.unwrap().reason, "INTERRUPTED");
    assert_eq!(answer.content, Endless::BEGINNING);
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
    assert_eq!(api.run(second.id).await.state(), RunState::Running);
}

#[tokio::test]
async fn the_statement_of_what_is_interrupted_is_stopped() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let _worker = harness.worker(model::Builtin, 1);
    api.start(session.id, LONG_QUESTION).await;
    harness.statements_are(1).await;

    let next = start_by(&api, session.id, "SELECT 2", Concurrency::Interrupt).await.unwrap();
    let took = harness.statements_are(0).await;

    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(api.wait(next.id).await.1.content, "2");
    harness.assert_sound(session.id).await;
}

#[tokio::test]
async fn a_question_that_interrupts_an_idle_session_is_like_any_other() {
    let (harness, _worker) = Harness::start().await;
    let (api, session_id) = session(&harness).await;

    let run = start_by(&api, session_id, "SELECT 1", Concurrency::Interrupt).await.unwrap();

    assert!(run.admitted_at.is_some());
    assert_eq!(api.wait(run.id).await.1.content, "1");
}

#[tokio::test]
async fn an_interrupt_that_is_refused_interrupts_nothing() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = api.start(session_id, "first").await;
    let request = proto::v1::StartRunRequest {
        agent_id: api.agent().await,
        concurrency: Concurrency::Interrupt.into(),
        ..Default::default()
    };

    let refused = api.try_start(session_id, "second", request).await;

    assert!(refused.is_err());
    assert_eq!(api.run(first.id).await, first);
}
