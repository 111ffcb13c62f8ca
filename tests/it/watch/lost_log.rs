//! The log can be lost at any time. The end never is.

use std::{
    future::{self, Ready},
    time::{Duration, Instant},
};

use async_nats::{connection::State, jetstream};
use run_queue::Streams;
use tokio::time;

use super::{end, ids, kind, kinds, queued};
use crate::{
    harness::{Harness, eventually, text},
    run_queue::own_server::OwnServer,
};

async fn wipe(harness: &Harness) {
    let jetstream = jetstream::new(harness.nats.clone());
    let stream = format!("{}_RUN_EVENTS", harness.names_prefix);
    jetstream.delete_stream(stream).await.expect("it is there");
}

/// Asks whether the client has noticed.
fn is(harness: &Harness, state: State) -> impl FnMut() -> Ready<Option<()>> {
    move || future::ready((harness.nats.connection_state() == state).then_some(()))
}

#[tokio::test]
async fn without_a_log_a_watch_goes_on_and_shows_the_end() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["one "]).await;
    let mut events = live.until("one ").await;

    wipe(&harness).await;
    attempt.say_all(["two"]).await;
    events.extend(live.until("two").await);
    let meanwhile = api.watch(run.id, 0).await;
    attempt.end("one two").await;
    events.extend(live.rest().await);

    assert_eq!(kinds(&events), ["state", "attempt", "text_delta", "final"]);
    assert_eq!(text(&events), "one two");
    let last = attempt.last_event_id() + 1;
    for other in [meanwhile, api.watch(run.id, 0).await] {
        let other = other.rest().await;
        assert_eq!((kinds(&other), ids(&other)), (vec!["state", "gap", "final"], vec![0, 0, last]));
        assert_eq!(end(&other), end(&events));
    }
    assert_eq!(ids(&api.watch(run.id, last - 1).await.rest().await), [last]);
}

#[tokio::test]
async fn what_was_written_before_the_log_was_wiped_is_a_gap_for_those_who_come_later() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["lost, "]).await;
    live.until("lost, ").await;
    let lost = attempt.last_event_id();

    wipe(&harness).await;
    Streams::new(harness.nats.clone(), harness.names.clone()).make().await.unwrap();
    attempt.say_all(["kept, ", "kept as well"]).await;
    attempt.stored(lost + 2).await;
    let meanwhile = api.watch(run.id, 0).await;
    attempt.end("lost, kept, kept as well").await;

    let after = [lost + 1, lost + 2, lost + 3];
    assert_eq!(ids(&live.rest().await), after);
    assert_eq!(ids(&api.watch(run.id, lost).await.rest().await), after);
    for late in [meanwhile, api.watch(run.id, 0).await] {
        let late = late.rest().await;
        assert_eq!(kinds(&late), ["state", "gap", "text_delta", "final"]);
        assert_eq!(ids(&late)[2..], after);
    }
}

#[tokio::test]
async fn a_log_that_is_wiped_after_the_end_leaves_the_end() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["said"]).await;
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("said").await;
    let before = api.watch(run.id, 0).await.rest().await;

    wipe(&harness).await;
    let after = api.watch(run.id, 0).await.rest().await;

    assert_eq!(kinds(&after), ["state", "gap", "final"]);
    assert_eq!(after.last(), before.last());
    // The service makes it anew by itself.
    harness.log_is_there().await;
}

#[tokio::test]
async fn the_log_is_there_as_soon_as_nats_is() {
    let mut server = OwnServer::start().await;
    let harness = Harness::on_nats(&server.url()).await;
    // Sooner than it is looked for on a connection that stays.
    let soon = Duration::from_secs(8);
    time::timeout(soon, harness.log_is_there()).await.expect("it is made at the start");

    server.stop().await;
    eventually("the connection being lost", is(&harness, State::Disconnected)).await;
    server.wipe();
    server.start_again().await;
    eventually("the connection being there again", is(&harness, State::Connected)).await;

    time::timeout(soon, harness.log_is_there()).await.expect("it is made again");
}

#[tokio::test]
async fn without_nats_the_end_is_seen_all_the_same() {
    let mut server = OwnServer::start().await;
    let harness = Harness::on_nats(&server.url()).await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["heard"]).await;
    let mut events = live.until("heard").await;

    server.stop().await;
    eventually("the connection being lost", is(&harness, State::Disconnected)).await;
    let meanwhile = api.watch(run.id, 0).await;
    attempt.say(" and lost");
    attempt.end("heard and lost").await;
    let ended_at = Instant::now();
    events.extend(live.rest().await);

    assert!(ended_at.elapsed() < Duration::from_secs(6), "{:?}", ended_at.elapsed());
    assert_eq!(kinds(&events), ["state", "attempt", "text_delta", "gap", "final"]);
    assert_eq!(end(&events).1.expect("it has one").content, "heard and lost");
    for other in [meanwhile, api.watch(run.id, 0).await] {
        assert_eq!(kinds(&other.rest().await), ["state", "gap", "final"]);
    }
}

#[tokio::test]
async fn who_watches_while_nats_is_away_goes_on_when_it_returns() {
    let mut server = OwnServer::start().await;
    let harness = Harness::on_nats(&server.url()).await;
    let (api, run) = queued(&harness).await;
    let mut live = api.watch(run.id, 0).await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["before "]).await;
    let mut events = live.until("before ").await;

    server.crash().await;
    eventually("the connection being lost", is(&harness, State::Disconnected)).await;
    attempt.say("lost ");
    server.start_again().await;
    eventually("the connection being there again", is(&harness, State::Connected)).await;
    attempt.say_all(["after"]).await;
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("before lost after").await;
    events.extend(live.rest().await);

    assert_eq!(kinds(&events), ["state", "attempt", "text_delta", "gap", "text_delta", "final"]);
    assert_eq!(text(&events), "before after");
    let gap = events.iter().position(|it| kind(it) == "gap").unwrap();
    assert_eq!(text(&events[..gap]), "before ");
}
