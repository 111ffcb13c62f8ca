//! Wake-ups are delivered, whatever becomes of stream and consumer.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use futures::StreamExt as _;
use run_queue::{Publisher, publisher::PublishError};

use super::{Queue, in_time};

#[tokio::test]
async fn a_slot_that_waits_is_woken_though_the_stream_was_deleted() {
    let queue = Queue::on_shared_server().await;
    let publisher = queue.publisher();
    let slot = queue.slot();
    queue.wait_for_slots(1).await;

    let jetstream = jetstream::new(queue.client.clone());
    jetstream.delete_stream(queue.stream("RUNS")).await.unwrap();
    let deleted_at = Instant::now();
    publisher.wake_up(7, 1, None).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
    assert!(deleted_at.elapsed() < Duration::from_secs(2), "{:?}", deleted_at.elapsed());
}

#[tokio::test]
async fn a_slot_that_waits_is_woken_though_the_consumer_was_deleted() {
    let queue = Queue::on_shared_server().await;
    let publisher = queue.publisher();
    let slot = queue.slot();
    queue.wait_for_slots(1).await;

    let jetstream = jetstream::new(queue.client.clone());
    let stream = jetstream.get_stream(queue.stream("RUNS")).await.unwrap();
    stream.delete_consumer("run-worker").await.unwrap();
    let deleted_at = Instant::now();
    publisher.wake_up(7, 1, None).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
    assert!(deleted_at.elapsed() < Duration::from_secs(2), "{:?}", deleted_at.elapsed());
}

#[tokio::test]
async fn a_slot_that_begins_while_the_stream_is_missing_waits_for_it() {
    let queue = Queue::on_shared_server().await;
    let stream = queue.stream("RUNS");
    let jetstream = jetstream::new(queue.client.clone());
    jetstream.delete_stream(&stream).await.unwrap();
    let subject = format!("$JS.API.CONSUMER.CREATE.{stream}.run-worker");
    let mut asked = queue.client.subscribe(subject).await.unwrap();
    let slot = queue.slot();
    // The second time it has been told that there is none.
    for _ in 0..2 {
        in_time(asked.next()).await.unwrap();
    }
    assert!(jetstream.get_stream(&stream).await.is_err(), "it is not for a slot to make it");

    queue.publisher().wake_up(7, 1, None).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
}

#[tokio::test]
async fn one_who_may_not_make_the_stream_can_publish_once_it_is_there_again() {
    let queue = Queue::on_shared_server().await;
    let publisher = Publisher::new(queue.client.clone(), queue.names.clone());
    jetstream::new(queue.client.clone()).delete_stream(queue.stream("RUNS")).await.unwrap();

    let refused = publisher.wake_up(7, 1, None).await;
    assert!(matches!(refused, Err(PublishError::Refused(_))), "{refused:?}");
    queue.streams().make().await.unwrap();

    publisher.wake_up(7, 2, None).await.unwrap();
    assert_eq!(in_time(queue.slot()).await.unwrap(), 7);
}
