//! What is announced reaches everyone who listens.

use run_queue::{CancelRequests, EndedRuns};

use super::{Queue, in_time};

#[tokio::test]
async fn a_cancel_request_reaches_every_subscriber() {
    let queue = Queue::on_shared_server().await;
    let mut one = CancelRequests::subscribe(&queue.client, &queue.names).await.unwrap();
    let mut two = CancelRequests::subscribe(&queue.client, &queue.names).await.unwrap();
    let publisher = queue.publisher();

    publisher.cancel_requested(7).await;
    publisher.cancel_requested(8).await;

    for subscriber in [&mut one, &mut two] {
        assert_eq!(in_time(subscriber.next()).await, Some(7));
        assert_eq!(in_time(subscriber.next()).await, Some(8));
    }
}

#[tokio::test]
async fn ends_and_cancel_requests_are_not_taken_for_each_other() {
    let queue = Queue::on_shared_server().await;
    let mut ended = EndedRuns::subscribe(&queue.client, &queue.names).await.unwrap();
    let mut cancels = CancelRequests::subscribe(&queue.client, &queue.names).await.unwrap();
    let publisher = queue.publisher();

    publisher.cancel_requested(7).await;
    publisher.ended(8).await;

    assert_eq!(in_time(ended.next()).await, Some(8));
    assert_eq!(in_time(cancels.next()).await, Some(7));
}

#[tokio::test]
async fn what_is_not_an_announcement_is_passed_over() {
    let queue = Queue::on_shared_server().await;
    let mut cancels = CancelRequests::subscribe(&queue.client, &queue.names).await.unwrap();
    let subject = format!("{}.runs.cancel-requested", queue.prefix);
    queue.client.publish(subject, "\u{1}not protobuf".into()).await.unwrap();

    queue.publisher().cancel_requested(7).await;

    assert_eq!(in_time(cancels.next()).await, Some(7));
}
