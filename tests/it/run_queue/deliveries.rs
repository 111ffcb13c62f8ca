//! Wake-ups are delivered, whatever becomes of stream and consumer.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use run_queue::Publisher;

use super::{Queue, in_time};

#[tokio::test]
async fn a_slot_that_waits_is_woken_though_the_stream_was_deleted() {
    let queue = Queue::on_shared_server().await;
    let publisher = Publisher::new(queue.client.clone(), queue.names.clone());
    let slot = queue.slot();
    queue.wait_for_slots(1).await;

    let jetstream = jetstream::new(queue.client.clone());
    jetstream.delete_stream(queue.stream("RUNS")).await.unwrap();
    let deleted_at = Instant::now();
    publisher.wake_up(7, 1).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
    assert!(deleted_at.elapsed() < Duration::from_secs(2), "{:?}", deleted_at.elapsed());
}

#[tokio::test]
async fn a_slot_that_waits_is_woken_though_the_consumer_was_deleted() {
    let queue = Queue::on_shared_server().await;
    let publisher = Publisher::new(queue.client.clone(), queue.names.clone());
    let slot = queue.slot();
    queue.wait_for_slots(1).await;

    let jetstream = jetstream::new(queue.client.clone());
    let stream = jetstream.get_stream(queue.stream("RUNS")).await.unwrap();
    stream.delete_consumer("run-worker").await.unwrap();
    let deleted_at = Instant::now();
    publisher.wake_up(7, 1).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
    assert!(deleted_at.elapsed() < Duration::from_secs(2), "{:?}", deleted_at.elapsed());
}

#[tokio::test]
async fn a_slot_that_begins_while_the_stream_is_missing_makes_it() {
    let queue = Queue::on_shared_server().await;
    let slot = queue.slot();
    queue.wait_for_slots(1).await;

    Publisher::new(queue.client.clone(), queue.names.clone()).wake_up(7, 1).await.unwrap();

    assert_eq!(in_time(slot).await.unwrap(), 7);
}
