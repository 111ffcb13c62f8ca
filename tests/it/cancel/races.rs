//! Cancels at the same time as something else.

use std::time::{Duration, Instant};

use futures::future;
use proto::v1::RunState;
use storage::runs::Terms;
use tokio::time;

use super::{assert_cancelled, session};
use crate::harness::{Endless, Gate, Harness, Manner, TERMS};

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_reaches_a_worker_with_other_connections_in_no_time() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    // By itself it would look after ten seconds.
    let terms = Terms { lease: Duration::from_secs(60), ..TERMS };
    let manner = Manner { terms, ..Manner::default() };
    let _worker = harness.separate_worker(provider, manner).await;
    let mut latencies = Vec::new();

    for _ in 0..50 {
        let run = api.start(session_id, "well?").await;
        provider.begun().await;
        let cancelled_at = Instant::now();
        api.cancel(run.id).await;
        let (run, _) = api.wait(run.id).await;
        latencies.push(cancelled_at.elapsed());
        assert_cancelled(&run);
        provider.dropped().await;
    }

    latencies.sort_unstable();
    // Shown only if asked for.
    eprintln!("half of the cancels took {:?}, the slowest {:?}", latencies[25], latencies[49]);
    // The sweep would repeat them after a second.
    assert!(latencies[25] < Duration::from_millis(500), "{latencies:?}");
    assert!(latencies[49] < Duration::from_secs(2), "{latencies:?}");
    harness.assert_sound(session_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_succeeds_at_the_same_moment_never_overrules_a_cancel() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let gate = Gate::shared();
    let _worker = harness.separate_worker(gate, Manner::default()).await;
    let mut succeeded = 0;

    for n in 0..100 {
        let run = api.start(session_id, "well?").await;
        gate.asked().await;
        let succeed = async {
            time::sleep(Duration::from_micros(n * 40)).await;
            gate.let_through(1);
        };
        let (cancelled, ()) = future::join(api.cancel(run.id), succeed).await;
        let (ended, _) = api.wait(run.id).await;

        match cancelled.state() {
            RunState::Succeeded => {
                succeeded += 1;
                assert_eq!(ended, cancelled);
            }
            RunState::Cancelling | RunState::Cancelled => assert_cancelled(&ended),
            _ => panic!("neither ended nor cancelled: {cancelled:?}"),
        }
        assert_eq!(api.run(run.id).await, ended);
        gate.take_back();
    }

    eprintln!("{succeeded} of 100 had succeeded before they were cancelled");
    harness.assert_sound(session_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_cancel_at_once_all_get_the_same() {
    let harness = Harness::without_worker().await;
    let (api, session_id) = session(&harness).await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);
    let run = api.start(session_id, "well?").await;
    provider.begun().await;

    let all = future::join_all((0..64).map(|_| api.cancel(run.id))).await;

    let (run, _) = api.wait(run.id).await;
    assert_cancelled(&run);
    assert!(all.iter().all(|it| it.error == run.error), "{all:?}");
    harness.assert_sound(session_id).await;
}
