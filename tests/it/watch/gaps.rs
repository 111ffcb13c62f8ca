//! What is lost is seen to be lost, and what must not be heard is not.

use std::time::{Duration, Instant};

use proto::v1::run_event::Event;

use super::{end, ids, kind, kinds, queued};
use crate::harness::{Harness, text};

#[tokio::test]
async fn a_jump_in_the_numbers_is_a_gap_for_all_who_watch() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["one "]).await;
    let first = attempt.last_event_id() - 1;
    // The third and the fourth were never sent.
    attempt.say_as(5, "five ").await;
    attempt.say_as(6, "six").await;
    attempt.stored(first + 5).await;
    attempt.end_at(first + 5, "one two three four five six").await;

    let live = live.rest().await;
    let later = api.watch(run.id, 0).await.rest().await;
    let resumed = api.watch(run.id, first + 1).await.rest().await;

    for events in [&live, &later] {
        assert_eq!(ids(events), [0, first, first + 1, 0, first + 4, first + 5, first + 6]);
        assert_eq!(kind(&events[3]), "gap");
        assert_eq!(text(events), "one five six");
    }
    assert_eq!(resumed[1..], later[4..]);
    assert_eq!(kind(&resumed[0]), "gap");
    assert_eq!(end(&live).1.expect("it has one").content, "one two three four five six");
}

#[tokio::test]
async fn the_end_does_not_wait_long_for_events_that_never_come() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["heard"]).await;
    live.until("heard").await;
    let last = attempt.last_event_id();

    attempt.end_at(last + 3, "heard and not heard").await;
    let ended_at = Instant::now();
    let live = live.rest().await;

    assert_eq!((kinds(&live), ids(&live)), (vec!["gap", "final"], vec![0, last + 4]));
    assert!(ended_at.elapsed() < Duration::from_secs(6), "{:?}", ended_at.elapsed());
}

#[tokio::test]
async fn the_end_waits_for_events_that_come_a_little_late() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["in time, "]).await;
    live.until("in time, ").await;
    let last = attempt.last_event_id();

    attempt.end_at(last + 1, "in time, late").await;
    // Those who watch learn of the end by themselves, within a second.
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    attempt.say_as(3, "late").await;

    assert_eq!(ids(&live.rest().await), [last + 1, last + 2]);
}

#[tokio::test]
async fn a_worker_that_has_lost_the_run_is_never_heard() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut zombie = harness.attempt_for(run.id, Duration::from_millis(1)).await;
    zombie.say_all(["from the first"]).await;
    let mut events = live.until("from the first").await;

    let mut holder = harness.attempt(run.id).await;
    holder.say_all(["alive "]).await;
    zombie.say_all(["from the grave "]).await;
    holder.say_all(["and well"]).await;
    zombie.say_all(["from the grave "]).await;
    holder.stored(holder.last_event_id()).await;
    holder.end("alive and well").await;
    events.extend(live.rest().await);
    let later = api.watch(run.id, 0).await.rest().await;

    assert_eq!(events, [&events[..1], &later[1..]].concat());
    assert_eq!(text(&events), "alive and well");
    let attempts: Vec<_> = events.iter().filter(|it| kind(it) == "attempt").collect();
    let [first, second] = attempts[..] else { panic!("{events:?}") };
    assert!(first.event_id < second.event_id);
    assert!(matches!(&second.event, Some(Event::Attempt(it)) if it.number == 2));
    let (run, _) = end(&events);
    assert_eq!(run.attempts, 2);
}

#[tokio::test]
async fn what_is_no_event_disturbs_nobody() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.publish(b"\xff not protobuf".to_vec()).await;
    // No id, and so before everything.
    attempt.publish(Vec::new()).await;
    let subject = format!("{}.runs.events.no-run", harness.names_prefix);
    harness.nats.publish(subject, "".into()).await.unwrap();
    attempt.say_all(["said"]).await;
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("said").await;

    let live = live.rest().await;
    let later = api.watch(run.id, 0).await.rest().await;

    assert_eq!(kinds(&live), ["state", "attempt", "text_delta", "final"]);
    assert_eq!(live[1..], later[1..]);
}
