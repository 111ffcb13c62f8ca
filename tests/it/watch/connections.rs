//! A client that is cut off again and again sees what one sees who never is.

use std::time::Duration;

use async_nats::connection::State;
use futures::future;
use proto::v1::{RunEvent, run_event::Event};
use tokio::{task, time};

use super::{end, kind, queued};
use crate::harness::{Api, Harness, numbered, text};

const CUTS: usize = 20;
const PIECES: usize = 400;

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Watches a run over many connections, each to one of these services.
async fn watch_in_parts(apis: &[Api], run_id: i64, seed: u64) -> Vec<RunEvent> {
    let (mut chance, mut seen) = (Chance(seed), Vec::<RunEvent>::new());
    for _ in 0..CUTS {
        let api = &apis[chance.below(apis.len() as u64) as usize];
        let after = seen.iter().map(|it| it.event_id).max().unwrap_or_default();
        let mut watch = api.watch(run_id, after).await;
        for _ in 0..chance.below(2 * (PIECES / CUTS) as u64) {
            if matches!(seen.last(), Some(RunEvent { event: Some(Event::Final(_)), .. })) {
                return seen;
            }
            seen.push(watch.event().await);
        }
    }
    let after = seen.iter().map(|it| it.event_id).max().unwrap_or_default();
    seen.extend(apis[0].watch(run_id, after).await.rest().await);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_connections_show_the_events_of_one() {
    let harness = Harness::without_worker().await;
    let other = harness.another_service(Duration::from_secs(5)).await;
    let (api, run) = queued(&harness).await;
    let apis = [api.clone(), other.api(1)];
    let uninterrupted = tokio::spawn(api.watch(run.id, 0).await.rest());
    let mut attempt = harness.attempt(run.id).await;

    let writing = async {
        for n in 0..PIECES {
            attempt.say_all([format!("{n} ")]).await;
            time::sleep(Duration::from_millis(3)).await;
        }
        attempt.end("said").await;
    };
    let watching = future::join_all((1..=6).map(|seed| watch_in_parts(&apis, run.id, seed)));
    let ((), in_parts) = future::join(writing, watching).await;

    let uninterrupted = uninterrupted.await.unwrap();
    let whole = numbered(&uninterrupted);
    assert_eq!(whole.len(), PIECES + 2);
    assert_eq!(text(&whole), (0..PIECES).map(|n| format!("{n} ")).collect::<String>());
    assert_eq!(end(&whole).1.expect("it has an answer").content, "said");
    for (seed, events) in (1..).zip(in_parts) {
        assert_eq!(numbered(&events), whole, "seed {seed}");
        assert!(events.iter().all(|it| kind(it) != "gap"), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_replace_each_other_are_seen_the_same_over_any_number_of_connections() {
    let harness = Harness::without_worker().await;
    let other = harness.another_service(Duration::from_secs(5)).await;
    let (api, run) = queued(&harness).await;
    let apis = [api.clone(), other.api(1)];
    let uninterrupted = tokio::spawn(api.watch(run.id, 0).await.rest());

    let writing = async {
        let mut lost = harness.attempt_for(run.id, Duration::from_millis(1)).await;
        lost.say_all((0..50).map(|n| format!("lost {n} "))).await;
        let mut holder = harness.attempt(run.id).await;
        for n in 0..150 {
            holder.say_all([format!("{n} ")]).await;
            // It does not know that it is not to speak any more.
            lost.say_all(["from the grave "]).await;
            time::sleep(Duration::from_millis(3)).await;
        }
        holder.end("said").await;
    };
    let watching = future::join_all((1..=6).map(|seed| watch_in_parts(&apis, run.id, seed)));
    let ((), in_parts) = future::join(writing, watching).await;

    let whole = numbered(&uninterrupted.await.unwrap());
    assert_eq!(text(&whole), (0..150).map(|n| format!("{n} ")).collect::<String>());
    assert_eq!(whole.len(), 51 + 151 + 1);
    for (seed, events) in (1..).zip(in_parts) {
        assert_eq!(numbered(&events), whole, "seed {seed}");
    }
}

#[tokio::test]
async fn what_a_service_did_not_hear_it_reads() {
    let harness = Harness::without_worker().await;
    let deaf = harness.another_service(Duration::from_secs(5)).await;
    let (api, run) = queued(&harness).await;
    let watches = [api.watch(run.id, 0).await, deaf.api(1).watch(run.id, 0).await];
    let watches = watches.map(|watch| tokio::spawn(watch.rest()));
    let mut attempt = harness.attempt(run.id).await;

    let be = async |is_connected| {
        while (deaf.nats.connection_state() == State::Connected) != is_connected {
            task::yield_now().await;
        }
    };
    be(true).await;
    for _ in 0..10 {
        deaf.nats.force_reconnect().await.unwrap();
        be(false).await;
        attempt.say_all(["not ", "heard "]).await;
        be(true).await;
        deaf.nats.flush().await.unwrap();
        attempt.say_all(["heard "; 8]).await;
    }
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("said").await;

    let [heard, read] = watches;
    let (heard, read) = (heard.await.unwrap(), read.await.unwrap());
    assert_eq!(heard.len(), 1 + 101 + 1);
    assert_eq!(super::ids(&read)[1..], super::ids(&heard)[1..]);
    assert_eq!(read[1..], heard[1..]);
}
