//! What the sweep does while NATS is away, and after.

use std::time::{Duration, Instant};

use async_nats::connection::State;
use proto::v1::{self as pb, RunState};

use crate::{
    harness::{Gate, Harness, eventually},
    run_queue::own_server::OwnServer,
};

async fn be(harness: &Harness, state: State) {
    eventually("the connection being made or lost", async || {
        (harness.nats.connection_state() == state).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_nats_runs_still_expire_and_cancels_still_come_to_their_end() {
    let mut nats = OwnServer::start().await;
    let harness = Harness::on_nats(&nats.url()).await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let (one, two) = (api.session(agent, "").await.id, api.session(agent, "").await.id);
    let gate = Gate::shared();
    let worker = harness.worker(gate, 1);
    let held = api.start(one, "held").await;
    gate.asked().await;
    drop(worker);
    nats.crash().await;
    be(&harness, State::Disconnected).await;

    let deadline = Some(prost_types::Duration { seconds: 1, nanos: 0 });
    let request = pb::StartRunRequest { deadline, ..Default::default() };
    let admitted = api.try_start(two, "admitted", request.clone()).await.unwrap();
    let waiting = api.try_start(two, "waiting", request).await.unwrap();
    assert_eq!(api.cancel(held.id).await.state(), RunState::Cancelling);

    for (run, state) in
        [(admitted, RunState::Expired), (waiting, RunState::Expired), (held, RunState::Cancelled)]
    {
        let (run, _) = api.end(run.id).await;
        assert_eq!(run.state(), state, "{run:?}");
    }
    harness.assert_sound(one).await;
    harness.assert_sound(two).await;
}

#[tokio::test]
async fn without_nats_a_run_that_killed_its_workers_is_given_up_all_the_same() {
    let mut nats = OwnServer::start().await;
    let harness = Harness::on_nats(&nats.url()).await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let gate = Gate::shared();
    let worker = harness.worker(gate, 1);
    let run = api.start(session.id, "deadly").await;
    gate.asked().await;
    harness.execute("UPDATE runs SET attempts = 3").await;
    drop(worker);
    nats.crash().await;
    be(&harness, State::Disconnected).await;

    let (run, _) = api.wait(run.id).await;

    assert_eq!(run.error.unwrap().reason, "ATTEMPTS_EXHAUSTED");
    harness.assert_sound(session.id).await;
}

#[tokio::test]
async fn what_was_asked_meanwhile_is_answered_within_five_seconds_of_its_return() {
    let mut nats = OwnServer::start().await;
    let harness = Harness::on_nats(&nats.url()).await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let _worker = harness.worker(model::Builtin, 4);
    let session = api.session(agent, "").await;
    api.ask(session.id, "SELECT 0").await;
    nats.crash().await;
    be(&harness, State::Disconnected).await;
    let mut runs = Vec::new();
    for n in 1..=5 {
        let session = api.session(agent, "").await;
        runs.push(api.start(session.id, &format!("SELECT {n}")).await);
        runs.push(api.start(session.id, &format!("SELECT {n}")).await);
    }
    nats.wipe();
    // So long that the sweep has tried.
    tokio::time::sleep(Duration::from_secs(3)).await;

    nats.start_again().await;
    let returned_at = Instant::now();
    for run in &runs {
        let (run, _) = api.wait(run.id).await;
        assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 1), "{run:?}");
    }
    let took = returned_at.elapsed();

    eprintln!("all was answered {took:?} after the return of NATS");
    assert!(took < Duration::from_secs(5), "{took:?}");
    for run in runs {
        harness.assert_sound(run.session_id).await;
    }
}
