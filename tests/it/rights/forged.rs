//! What the queue says has no effect that Postgres knows nothing of.

use std::time::Instant;

use async_nats::jetstream;
use proto::v1::RunState;
use run_queue::Publisher;

use crate::harness::{Gate, Harness, LEASE, eventually};

#[tokio::test]
async fn a_cancel_that_nobody_asked_for_only_has_the_worker_look() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    let run = api.start(session_id, "held").await;
    gate.asked().await;
    let lease = "SELECT max(lease_expires_at)::text FROM runs";
    let (before, asked_at) = (harness.text(lease).await, Instant::now());

    let forger = Publisher::new(harness.nats.clone(), harness.names.clone());
    forger.cancel_requested(run.id).await;
    let looked = async || (harness.text(lease).await != before).then_some(());
    eventually("the worker looking", looked).await;
    assert!(asked_at.elapsed() < LEASE / 3, "by itself it looks later");
    gate.let_through(1);

    let (run, _) = api.wait(run.id).await;
    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
}

#[tokio::test]
async fn a_wake_up_that_nobody_committed_begins_nothing() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 2);
    let held = api.start(session_id, "held").await;
    gate.asked().await;
    let waiting = api.start(session_id, "waiting").await;

    let forger = Publisher::new(harness.nats.clone(), harness.names.clone());
    for run_id in [held.id, waiting.id, i64::MAX] {
        forger.wake_up(run_id, 1_000, None).await.expect("the queue is there");
    }
    let jetstream = jetstream::new(harness.nats.clone());
    let stream = format!("{}_RUNS", harness.names_prefix);
    eventually("all but the first being looked at", async || {
        let stream = jetstream.get_stream(&stream).await.ok()?;
        (stream.cached_info().state.messages == 1).then_some(())
    })
    .await;

    assert_eq!(api.run(held.id).await.attempts, 1);
    let waiting = api.run(waiting.id).await;
    assert_eq!((waiting.state(), waiting.attempts), (RunState::Queued, 0));
    gate.let_through(2);
    assert_eq!(api.wait(waiting.id).await.0.state(), RunState::Succeeded);
}
