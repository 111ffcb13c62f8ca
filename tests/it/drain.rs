//! A worker that is told to stop loses nothing, and stops.

use std::{
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use model::Plan;
use proto::v1::{FinishReason, RunState};
use tokio::{sync::oneshot, time};

use crate::harness::{Acting, Api, Endless, Gate, Harness, LEASE, LONG_QUESTION};

/// How long a test's worker is given to bring its runs to their end.
const DRAIN: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(60);

async fn session(harness: &Harness) -> (Api, i64) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    (api, session.id)
}

#[tokio::test]
async fn what_ends_in_time_is_ended_by_the_worker_that_had_it() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let worker = harness.draining_worker(gate, 2, LONG);
    let run = api.start(session_id, "well?").await;
    gate.asked().await;

    worker.tell_to_stop();
    gate.let_through(1);
    worker.stop().await;

    let run = api.run(run.id).await;
    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn an_idle_worker_stops_at_once() {
    let harness = Harness::without_worker().await;
    let worker = harness.draining_worker(model::Builtin, 4, LONG);
    let (api, session_id) = session(&harness).await;
    api.ask(session_id, "SELECT 1").await;

    let began_at = Instant::now();
    worker.stop().await;

    assert!(began_at.elapsed() < Duration::from_secs(1), "{:?}", began_at.elapsed());
}

#[tokio::test]
async fn what_does_not_end_in_time_is_handed_over_and_no_attempt_is_spent() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let first = Endless::shared();
    let worker = harness.draining_worker(first, 1, DRAIN);
    let other = Gate::shared();
    let run = api.start(session_id, "well?").await;
    first.begun().await;

    let began_at = Instant::now();
    worker.tell_to_stop();
    let _other = harness.worker(other, 1);
    first.dropped().await;
    let handed_over_after = began_at.elapsed();
    other.asked().await;
    let taken_over_after = began_at.elapsed();
    worker.stop().await;
    other.let_through(1);
    let (run, answer) = api.wait(run.id).await;

    assert!(DRAIN <= handed_over_after, "{handed_over_after:?}");
    // Not only once the lease has passed.
    assert!(taken_over_after < DRAIN + LEASE / 2, "{taken_over_after:?}");
    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    assert_eq!((answer.content.as_str(), answer.sql_query.as_str()), ("you asked: well?", ""));
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn a_run_that_is_handed_over_many_times_spends_no_attempt() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let run = api.start(session_id, "well?").await;

    for _ in 0..5 {
        let provider = Endless::shared();
        let worker = harness.draining_worker(provider, 1, Duration::ZERO);
        provider.begun().await;
        worker.stop().await;
    }
    let _worker = harness.worker(model::Builtin, 1);
    let (run, _) = api.wait(run.id).await;

    assert_eq!(run.attempts, 1, "{run:?}");
    harness.assert_sound(session_id).await;
}

#[tokio::test]
async fn the_statement_of_a_run_that_is_handed_over_is_stopped() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    let worker = harness.draining_worker(model::Builtin, 1, Duration::ZERO);
    let run = api.start(session.id, LONG_QUESTION).await;
    harness.statements_are(1).await;

    worker.stop().await;

    let took = harness.statements_are(0).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(api.run(run.id).await.state(), RunState::Queued);
}

#[tokio::test]
async fn after_the_signal_no_run_is_begun() {
    let harness = Harness::without_worker().await;
    let (api, busy) = session(&harness).await;
    let (_, free) = session(&harness).await;
    let (draining, living) = (Gate::shared(), Gate::shared());
    let worker = harness.draining_worker(draining, 4, LONG);
    let first = api.start(busy, "first").await;
    let second = api.start(busy, "second").await;
    draining.asked().await;

    worker.tell_to_stop();
    draining.let_through(10);
    api.wait(first.id).await;
    let elsewhere = api.start(free, "elsewhere").await;
    worker.stop().await;

    let _living = harness.worker(living, 4);
    living.let_through(2);
    for run in [second, elsewhere] {
        let (run, _) = api.wait(run.id).await;
        assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
        living.asked().await;
    }
    harness.assert_sound(busy).await;
}

#[tokio::test]
async fn a_run_that_is_cancelled_meanwhile_ends_as_cancelled() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let worker = harness.draining_worker(provider, 1, LONG);
    let run = api.start(session_id, "well?").await;
    provider.begun().await;

    worker.tell_to_stop();
    api.cancel(run.id).await;
    worker.stop().await;

    let (run, answer) = api.wait(run.id).await;
    assert_eq!((run.state(), run.attempts), (RunState::Cancelled, 1), "{run:?}");
    assert_eq!(answer.content, Endless::BEGINNING);
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_comes_with_the_hand_over_is_not_left_to_the_lease() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;

    for n in 0..20 {
        let provider = Endless::shared();
        let worker = harness.draining_worker(provider, 1, Duration::ZERO);
        let run = api.start(session_id, "well?").await;
        provider.begun().await;
        let stopping = async {
            time::sleep(Duration::from_micros(n * 250)).await;
            worker.stop().await;
        };
        let cancelled_at = Instant::now();
        futures::future::join(api.cancel(run.id), stopping).await;
        let (run, _) = api.wait(run.id).await;
        assert_eq!(run.state(), RunState::Cancelled, "{run:?}");
        assert!(cancelled_at.elapsed() < LEASE / 2, "{:?} in round {n}", cancelled_at.elapsed());
    }
    harness.assert_sound(session_id).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_does_not_yield_can_not_hold_a_worker() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let (wake, asleep) = mpsc::channel::<()>();
    let asleep = Mutex::new(asleep);
    let (fell_asleep, falls_asleep) = oneshot::channel();
    let fell_asleep = Mutex::new(Some(fell_asleep));
    let hanging = Acting(move |_| {
        fell_asleep.lock().unwrap().take().map(|it| it.send(()));
        let _ = asleep.lock().unwrap().recv();
        async { Ok(Plan::Reply("from the grave".to_owned())) }.boxed()
    });
    let worker = harness.draining_worker(hanging, 1, DRAIN);
    let run = api.start(session_id, "well?").await;
    falls_asleep.await.unwrap();

    let began_at = Instant::now();
    worker.stop().await;
    let took = began_at.elapsed();
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    gate.let_through(1);
    let (run, answer) = api.wait(run.id).await;
    drop(wake);

    // Handing over may take five seconds.
    assert!(took < DRAIN + Duration::from_secs(7), "{took:?}");
    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2), "{run:?}");
    assert_eq!(answer.content, "you asked: well?");
    harness.assert_sound(session_id).await;
}
