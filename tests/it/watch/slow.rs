//! A client that does not read costs a bounded amount, and can come back.

use std::time::Duration;

use proto::v1::RunEvent;
use tokio::time;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

use super::{kind, queued};
use crate::harness::{Attempt, Expect as _, Harness, numbered};

const EVENTS: usize = 400;
/// How many of them may have found their way before the client was cut off.
const BOUND: usize = 100;
/// Longer than a client may take for one event.
const TOO_LONG: Duration = Duration::from_secs(11);

/// Says a lot, in large pieces.
async fn say_a_lot(attempt: &mut Attempt) {
    for n in 0..EVENTS {
        attempt.say_all([format!("{n} {}", "x".repeat(20_000))]).await;
        time::sleep(Duration::from_millis(1)).await;
    }
    attempt.stored(attempt.last_event_id()).await;
}

/// The event after which a watch that was too slow can be resumed: the last one that
/// was received.
#[track_caller]
fn resume_from(events: &[RunEvent], status: Status) -> i64 {
    let status = Err::<Response<()>, _>(status).refused(Code::Aborted, "SLOW_CONSUMER");
    let info = status.get_details_error_info().expect("it has one");
    let after: i64 = info.metadata["after_event_id"].parse().expect("a number");
    assert_eq!(events.last().map(|it| it.event_id), Some(after));
    after
}

#[tokio::test]
async fn a_client_that_falls_behind_is_cut_off_and_finds_everything_when_it_returns() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let uninterrupted = tokio::spawn(api.watch(run.id, 0).await.rest());
    let mut slow = harness.service.narrow_api(1).watch(run.id, 0).await;
    let mut events = vec![slow.event().await];
    let mut attempt = harness.attempt(run.id).await;

    say_a_lot(&mut attempt).await;
    time::sleep(TOO_LONG).await;
    let (before, status) = slow.broken().await;
    events.extend(before);
    assert!((1..BOUND).contains(&events.len()), "{}", events.len());
    let after = resume_from(&events, status);
    let resumed = tokio::spawn(api.watch(run.id, after).await.rest());
    attempt.end("a lot").await;
    events.extend(resumed.await.unwrap());

    let uninterrupted = uninterrupted.await.unwrap();
    assert!(numbered(&events) == numbered(&uninterrupted), "{} events", events.len());
    assert_eq!(numbered(&events).len(), EVENTS + 2);
    assert!(events.iter().all(|it| kind(it) != "gap"));
}

#[tokio::test]
async fn a_client_that_does_not_read_what_has_been_is_cut_off_as_well() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut attempt = harness.attempt(run.id).await;
    say_a_lot(&mut attempt).await;
    attempt.end("a lot").await;

    let mut slow = harness.service.narrow_api(1).watch(run.id, 0).await;
    let mut events = vec![slow.event().await];
    time::sleep(TOO_LONG).await;
    let (before, status) = slow.broken().await;
    events.extend(before);

    assert!((1..BOUND).contains(&events.len()), "{}", events.len());
    let after = resume_from(&events, status);
    events.extend(api.watch(run.id, after).await.rest().await);
    let whole = api.watch(run.id, 0).await.rest().await;
    assert!(numbered(&events) == numbered(&whole), "{} events", events.len());
}

#[tokio::test]
async fn one_who_does_not_read_keeps_nobody_else_waiting() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut slow = harness.service.narrow_api(1).watch(run.id, 0).await;
    slow.event().await;
    let watch = tokio::spawn(api.watch(run.id, 0).await.rest());
    let mut attempt = harness.attempt(run.id).await;

    say_a_lot(&mut attempt).await;
    attempt.end("a lot").await;
    let events = time::timeout(Duration::from_secs(5), watch).await;

    let events = events.expect("who reads has everything at once").unwrap();
    assert_eq!(numbered(&events).len(), EVENTS + 2);
}
