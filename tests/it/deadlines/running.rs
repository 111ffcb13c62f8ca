//! Runs that a worker has.

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use model::Plan;
use proto::v1::{FinishReason, RunState};
use storage::runs::Terms;

use super::{SOON, assert_expired, session, start_within};
use crate::harness::{Acting, Endless, Gate, Harness, LONG_QUESTION, Manner, Scripted, TERMS};

#[tokio::test]
async fn what_was_answered_so_far_is_kept_and_nothing_is_done_any_more() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);

    let run = start_within(&api, session_id, "well?", 8).await;
    let (run, answer) = api.wait(run.id).await;
    provider.dropped().await;

    assert_expired(&run, SOON);
    assert_eq!((run.sql_query.as_str(), answer.sql_query.as_str()), (Endless::SQL, Endless::SQL));
    assert_eq!(answer.content, Endless::BEGINNING);
    assert_eq!(answer.finish_reason(), FinishReason::Deadline);
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn the_data_sources_statement_is_stopped() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let _worker = harness.worker(model::Builtin, 1);
    let run = start_within(&api, session.id, LONG_QUESTION, 8).await;
    harness.statements_are(1).await;

    let (run, _) = api.wait(run.id).await;
    let took = harness.statements_are(0).await;

    assert_expired(&run, SOON);
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn an_execution_is_bounded_too_and_its_retries_count_as_one() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let terms = Terms { execution: Duration::from_secs(4), ..TERMS };
    let manner = || Manner { terms, ..Manner::default() };
    let overloaded = harness.worker_in(Scripted::new([Err(model::Error::Overloaded)]), manner());
    let asked_at = Instant::now();
    let run = start_within(&api, session_id, "well?", 60).await;
    let first = crate::harness::eventually("the first attempt failing", async || {
        let run = api.run(run.id).await;
        (run.attempts == 1 && run.state() == RunState::Queued).then_some(run)
    })
    .await;
    drop(overloaded);
    let gate = Gate::shared();
    let _worker = harness.worker_in(gate, manner());
    gate.asked().await;

    let (run, answer) = api.wait(run.id).await;

    assert_expired(&run, SOON);
    assert_eq!((run.attempts, run.expires_at), (2, first.expires_at));
    assert_eq!(answer.finish_reason(), FinishReason::Deadline);
    assert!(asked_at.elapsed() < Duration::from_secs(10), "{:?}", asked_at.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_hangs_loses_its_run_soon_after_the_deadline_however_long_its_lease() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let (wake, asleep) = mpsc::channel::<()>();
    let asleep = std::sync::Mutex::new(asleep);
    let (fell_asleep, falls_asleep) = tokio::sync::oneshot::channel();
    let fell_asleep = std::sync::Mutex::new(Some(fell_asleep));
    // As a process that is paused: it does not yield.
    let hanging = Acting(move |_| {
        fell_asleep.lock().unwrap().take().map(|it| it.send(()));
        let _ = asleep.lock().unwrap().recv();
        async { Ok(Plan::Reply("from the grave".to_owned())) }.boxed()
    });
    let terms = Terms { lease: Duration::from_secs(60), ..TERMS };
    let worker = harness.worker_in(hanging, Manner { terms, concurrency: 1, ..Manner::default() });
    let run = start_within(&api, session_id, "well?", 2).await;
    falls_asleep.await.unwrap();

    let (run, answer) = api.wait(run.id).await;
    drop(wake);
    worker.stop().await;

    // Five seconds for the worker to store the end, two for the sweep.
    assert_expired(&run, Duration::from_secs(7));
    assert!(!answer.content.contains("grave"), "{answer:?}");
    assert_eq!(api.wait(run.id).await, (run, answer));
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_was_cancelled_in_time_does_not_expire() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let worker = harness.worker(gate, 1);
    let run = start_within(&api, session_id, "well?", 6).await;
    gate.asked().await;
    drop(worker);

    assert_eq!(api.cancel(run.id).await.state(), RunState::Cancelling);
    let (run, answer) = api.wait(run.id).await;

    assert_eq!(run.state(), RunState::Cancelled, "{run:?}");
    assert_eq!(run.error.unwrap().reason, "CANCELLED");
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
}

#[tokio::test]
async fn a_run_that_has_expired_can_not_be_cancelled_any_more() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let run = start_within(&api, session_id, "well?", 1).await;
    let (expired, _) = api.wait(run.id).await;

    assert_eq!(api.cancel(run.id).await, expired);
}
