//! On how many servers streams are.

use run_queue::streams::{MakeError, OtherReplicas};

use super::{Queue, own_server::OwnServer};

#[tokio::test]
async fn streams_that_exist_stay_as_they_are_and_are_named_if_they_should_be_otherwise() {
    let queue = Queue::on_shared_server().await;
    let replicated = queue.streams().with_replicas(3);

    let others = replicated.make().await.unwrap();

    let expected = ["RUNS", "RUN_EVENTS", "RUN_DEAD_LETTERS"]
        .map(|name| OtherReplicas { stream: queue.stream(name), replicas: 1 });
    assert_eq!(others, expected);
    assert_eq!(queue.streams().make().await.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_is_alone_makes_no_stream_for_three() {
    let server = OwnServer::start().await;
    let queue = Queue::without_streams(&server.url()).await;

    let made = queue.streams().with_replicas(3).make().await;

    assert!(matches!(made, Err(MakeError::Refused(_))), "{made:?}");
}
