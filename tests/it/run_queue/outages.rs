//! While NATS is away nothing waits for it, and soon after its return all goes on.

use std::time::{Duration, Instant};

use async_nats::connection::State;
use futures::future;
use run_queue::{
    CancelRequests, DeadLetter,
    events::{LiveEvents, ReadError, event_id},
    publisher::PublishError,
    streams::MakeError,
};

use super::{Queue, delta, ids, in_time, own_server::OwnServer, read_all, text};

/// What may never take longer while NATS is away.
const AT_ONCE: Duration = Duration::from_millis(500);

#[tokio::test]
async fn events_that_are_written_while_nats_is_away_are_missing_and_cost_no_time() {
    let mut server = OwnServer::start().await;
    let queue = Queue::on(&server.url()).await;
    let reader = queue.reader();
    let mut live = LiveEvents::subscribe(&queue.client, &queue.names).await.unwrap();
    let mut log = queue.log(7, 1);
    log.write(delta("before"));
    read_all(&reader, 7, 1).await;

    server.stop().await;
    queue.be(State::Disconnected).await;
    let began_at = Instant::now();
    for n in 0..10_000 {
        log.write(delta(n));
    }
    assert!(began_at.elapsed() < AT_ONCE, "{:?}", began_at.elapsed());
    server.start_again().await;
    queue.be(State::Connected).await;
    log.write(delta("after"));

    let events = read_all(&reader, 7, 2).await;
    assert_eq!(ids(&events), [event_id(1, 1), event_id(1, 10_002)]);
    for said in ["before", "after"] {
        let (_, event) = in_time(live.next()).await.unwrap();
        assert_eq!(text(&event), said);
    }
}

#[tokio::test]
async fn nothing_waits_for_nats_while_it_is_away() {
    let mut server = OwnServer::start().await;
    let queue = Queue::on(&server.url()).await;
    let reader = queue.reader();
    let publisher = queue.publisher();
    let mut cancels = CancelRequests::subscribe(&queue.client, &queue.names).await.unwrap();
    server.stop().await;
    queue.be(State::Disconnected).await;

    let began_at = Instant::now();
    for run_id in 0..5_000 {
        publisher.ended(run_id).await;
        publisher.cancel_requested(run_id).await;
    }
    let letter = DeadLetter::Exhausted { run_id: 7, fence: 1 };
    let stored = in_time(publisher.dead_letter(letter)).await;
    let read = reader.replay(7, 0).next_batch().await;
    let made = queue.streams().make().await;

    assert!(began_at.elapsed() < AT_ONCE, "{:?}", began_at.elapsed());
    assert!(matches!(stored, Err(PublishError::Disconnected)), "{stored:?}");
    assert!(matches!(read, Err(ReadError::Disconnected)), "{read:?}");
    assert!(matches!(made, Err(MakeError::Disconnected)), "{made:?}");
    server.start_again().await;
    queue.be(State::Connected).await;
    publisher.cancel_requested(-1).await;
    assert_eq!(in_time(cancels.next()).await, Some(-1));
}

#[tokio::test]
async fn a_log_that_was_wiped_with_its_server_is_missed_and_made_again() {
    let mut server = OwnServer::start().await;
    let queue = Queue::on(&server.url()).await;
    let reader = queue.reader();
    queue.log(7, 1).write(delta("lost"));
    read_all(&reader, 7, 1).await;

    server.stop().await;
    queue.be(State::Disconnected).await;
    server.wipe();
    server.start_again().await;
    queue.be(State::Connected).await;

    let read = reader.replay(7, 0).next_batch().await;
    assert!(matches!(read, Err(ReadError::NoStream)), "{read:?}");
    queue.streams().make().await.unwrap();
    queue.log(7, 2).write(delta("kept"));
    assert_eq!(text(&read_all(&reader, 7, 1).await[0]), "kept");
}

/// Lets slots wait, takes NATS away for a moment, and wakes each slot.
async fn outage(wiped: bool) {
    let mut server = OwnServer::start().await;
    let queue = Queue::on(&server.url()).await;
    let publisher = queue.publisher();
    let slots: Vec<_> = (1..=8).map(|_| queue.slot()).collect();
    queue.wait_for_slots(8).await;

    server.crash().await;
    queue.be(State::Disconnected).await;
    if wiped {
        server.wipe();
    }
    server.start_again().await;
    let returned_at = Instant::now();
    queue.be(State::Connected).await;
    for run_id in 1..=8 {
        publisher.wake_up(run_id, 1, None).await.expect("NATS is back");
    }

    let mut woken: Vec<i64> = in_time(future::try_join_all(slots)).await.expect("no slot panics");
    woken.sort_unstable();
    assert_eq!(woken, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(returned_at.elapsed() < Duration::from_secs(5), "{:?}", returned_at.elapsed());
}

#[tokio::test]
async fn slots_are_woken_within_five_seconds_of_the_return_of_nats() {
    outage(false).await;
}

#[tokio::test]
async fn slots_are_woken_though_nats_returned_without_its_streams() {
    outage(true).await;
}
