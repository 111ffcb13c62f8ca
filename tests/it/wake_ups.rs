//! The queue only wakes up: what it loses, doubles or garbles changes nothing.

use async_nats::jetstream;
use prost::Message as _;
use proto::v1::{RunState, RunWakeUp};

use crate::harness::{Harness, eventually};

/// Waits until there are so many wake-ups in the queue.
async fn wake_ups(harness: &Harness, count: u64) {
    let jetstream = jetstream::new(harness.nats.clone());
    let stream = format!("{}_RUNS", harness.names_prefix);
    eventually("the queue holding as many wake-ups as it should", async || {
        let mut stream = jetstream.get_stream(&stream).await.ok()?;
        (stream.info().await.ok()?.state.messages == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn runs_survive_the_loss_of_the_stream_with_every_wake_up_in_it() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let mut runs = Vec::new();
    for _ in 0..5 {
        let session = api.session(agent, "").await;
        runs.push(api.start(session.id, "SELECT 1").await);
    }
    wake_ups(&harness, 5).await;

    let jetstream = jetstream::new(harness.nats.clone());
    jetstream.delete_stream(format!("{}_RUNS", harness.names_prefix)).await.unwrap();
    let _worker = harness.worker(model::Builtin, 4);

    for run in runs {
        assert_eq!(api.wait(run.id).await.0.state(), RunState::Succeeded);
    }
}

#[tokio::test]
async fn a_run_that_is_woken_many_times_is_executed_once() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "SELECT 1").await;
    let subject = format!("{}.runs.wake-up", harness.names_prefix);
    let jetstream = jetstream::new(harness.nats.clone());
    wake_ups(&harness, 1).await;
    for _ in 0..10 {
        let payload = RunWakeUp { run_id: run.id }.encode_to_vec();
        jetstream.publish(subject.clone(), payload.into()).await.unwrap().await.unwrap();
    }

    let (_one, _two) = (harness.worker(model::Builtin, 4), harness.worker(model::Builtin, 4));
    let (run, _) = api.wait(run.id).await;
    wake_ups(&harness, 0).await;

    assert_eq!(run.attempts, 1);
    assert_eq!(api.messages(session.id).await.len(), 2);
}

#[tokio::test]
async fn a_message_that_is_not_ours_is_put_aside() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;
    let subject = format!("{}.runs.wake-up", harness.names_prefix);
    let unknown = RunWakeUp { run_id: i64::MAX }.encode_to_vec();
    let jetstream = jetstream::new(harness.nats.clone());
    for payload in [b"\xff not protobuf".to_vec(), Vec::new(), unknown] {
        jetstream.publish(subject.clone(), payload.into()).await.unwrap().await.unwrap();
    }

    let (run, _) = api.ask(session.id, "SELECT 2").await;

    assert_eq!(run.state(), RunState::Succeeded);
    wake_ups(&harness, 0).await;
}
