//! What can't be worked on is put aside once.

use async_nats::jetstream;
use prost::Message as _;
use proto::v1 as pb;
use run_queue::{DeadLetter, Deliveries};

use super::{Queue, in_time};

/// What has been put aside, oldest first.
async fn letters(queue: &Queue) -> Vec<pb::DeadLetter> {
    let jetstream = jetstream::new(queue.client.clone());
    let mut stream =
        jetstream.get_stream(queue.stream("RUN_DEAD_LETTERS")).await.expect("it was made");
    let count = stream.info().await.expect("it exists").state.messages;
    let mut letters = Vec::new();
    for sequence in 1..=count {
        let message = stream.get_raw_message(sequence).await.expect("it is kept");
        letters.push(pb::DeadLetter::decode(message.payload).expect("it is a letter"));
    }
    letters
}

#[tokio::test]
async fn a_letter_that_is_repeated_is_stored_once() {
    let queue = Queue::on_shared_server().await;
    let publisher = queue.publisher();

    for (run_id, fence) in [(7, 4), (7, 4), (7, 5), (8, 4)] {
        publisher.dead_letter(DeadLetter::Exhausted { run_id, fence }).await.unwrap();
    }

    let letters = letters(&queue).await;
    assert_eq!(letters.iter().map(|letter| letter.run_id).collect::<Vec<_>>(), [7, 7, 8]);
    assert!(letters.iter().all(|it| it.reason == "ATTEMPTS_EXHAUSTED" && it.payload.is_empty()));
    assert!(letters.iter().all(|letter| letter.time.is_some()));
}

#[tokio::test]
async fn a_message_that_is_not_ours_is_put_aside_as_it_was() {
    let queue = Queue::on_shared_server().await;
    let publisher = queue.publisher();
    publisher.wake_up(7, 1, None).await.unwrap();
    let subject = format!("{}.runs.wake-up", queue.prefix);
    let payload = b"\xff not protobuf".to_vec();
    queue.client.publish(subject, payload.clone().into()).await.unwrap();
    let mut deliveries = Deliveries::new(queue.client.clone(), queue.names.clone());
    in_time(deliveries.next()).await.acknowledge().await.unwrap();

    let delivery = in_time(deliveries.next()).await;
    assert_eq!(delivery.run_id(), None);
    let letter = delivery.malformed();
    assert_eq!(letter, DeadLetter::Malformed { payload: payload.clone(), stream_sequence: 2 });
    publisher.dead_letter(letter.clone()).await.unwrap();
    publisher.dead_letter(letter).await.unwrap();

    let [letter] = letters(&queue).await.try_into().unwrap();
    assert_eq!((letter.run_id, letter.reason.as_str()), (0, "MALFORMED_MESSAGE"));
    assert_eq!(letter.payload, payload);
}

#[tokio::test]
async fn the_largest_message_that_a_server_takes_is_put_aside_too() {
    let queue = Queue::on_shared_server().await;
    let publisher = queue.publisher();
    let payload = vec![b'x'; queue.client.max_payload()];

    let letter = DeadLetter::Malformed { payload, stream_sequence: 1 };
    publisher.dead_letter(letter).await.unwrap();

    let [letter] = letters(&queue).await.try_into().unwrap();
    assert!(1_000_000 < letter.payload.len());
}
