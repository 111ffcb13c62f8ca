//! Cancels that do not reach the run's worker at once.

use std::time::{Duration, Instant};

use proto::v1::{FinishReason, RunState};
use storage::{
    RunId, UserId,
    entity::run::State,
    runs::{self, Terms},
};

use super::{assert_cancelled, session};
use crate::{
    harness::{Endless, Gate, Harness, LEASE, Manner, TERMS},
    run_queue::own_server::OwnServer,
};

/// Cancels a run without a word to its worker.
async fn cancel_silently(harness: &Harness, run_id: i64) {
    let reason = "no longer needed".to_owned();
    let cancelled = runs::cancel(&harness.db, UserId(1), None, RunId(run_id), reason).await;
    let (run, _) = cancelled.expect("the database answers");
    assert_eq!(run.state, State::Cancelling);
}

#[tokio::test]
async fn a_message_that_was_lost_is_repeated_until_the_worker_stops() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    // By itself it would look after ten seconds.
    let terms = Terms { lease: Duration::from_secs(60), ..TERMS };
    let _worker = harness.worker_in(provider, Manner { terms, ..Manner::default() });
    let run = api.start(session_id, "well?").await;
    provider.begun().await;

    let cancelled_at = Instant::now();
    cancel_silently(&harness, run.id).await;
    let (run, answer) = api.wait(run.id).await;
    let took = cancelled_at.elapsed();

    assert_cancelled(&run);
    assert_eq!(answer.content, Endless::BEGINNING);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_worker_without_nats_learns_of_a_cancel_when_it_renews_its_lease() {
    let mut nats = OwnServer::start().await;
    let harness = Harness::on_nats(&nats.url()).await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);
    let run = api.start(session_id, "well?").await;
    provider.begun().await;
    nats.crash().await;

    let cancelled_at = Instant::now();
    let cancelling = api.cancel(run.id).await;
    let (run, answer) = api.wait(run.id).await;
    let took = cancelled_at.elapsed();

    assert_eq!(cancelling.state(), RunState::Cancelling);
    assert_cancelled(&run);
    assert_eq!(answer.content, Endless::BEGINNING);
    assert!(took < LEASE + Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_run_whose_worker_died_before_it_heard_ends_with_its_lease_and_is_not_tried_again() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let worker = harness.worker(gate, 1);
    let run = api.start(session_id, "first").await;
    let next = api.start(session_id, "second").await;
    gate.asked().await;
    drop(worker);

    let cancelled_at = Instant::now();
    assert_eq!(api.cancel(run.id).await.state(), RunState::Cancelling);
    let living = Gate::shared();
    let _living = harness.worker(living, 4);
    living.let_through(1);
    let (run, answer) = api.wait(run.id).await;
    let took = cancelled_at.elapsed();

    assert_cancelled(&run);
    assert_eq!(run.attempts, 1);
    assert_eq!(answer.finish_reason(), FinishReason::Cancelled);
    assert!(took < LEASE + Duration::from_secs(3), "{took:?}");
    assert_eq!(api.wait(next.id).await.1.content, "you asked: second");
    harness.assert_sound(session_id).await;
}
