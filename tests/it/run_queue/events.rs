//! What was written is heard, and can be read again.

use std::time::Duration;

use async_nats::jetstream;
use futures::future;
use proto::v1::{RunState, run_event::Event as Told};
use run_queue::events::{Event, LiveEvents, Preview, ReadError, TruncatedBy, event_id};

use super::{Queue, delta, ids, in_time, read, read_all, text};
use crate::harness::eventually;

#[tokio::test]
async fn a_log_is_read_in_the_order_in_which_it_was_written_in_several_batches() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let (mut log, mut other) = (queue.log(7, 1), queue.log(8, 1));
    for n in 1..=600 {
        log.write(delta(n));
        other.write(delta("of another run"));
    }

    let events = read_all(&reader, 7, 600).await;

    let texts: Vec<&str> = events.iter().map(text).collect();
    assert_eq!(texts, (1..=600).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(ids(&events), (1..=600).map(|n| event_id(1, n)).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event.time.is_some()));
    assert_eq!(log.last_event_id(), event_id(1, 600));
    let sizes: Vec<usize> = read(&reader, 7, 0).await.iter().map(Vec::len).collect();
    assert_eq!(sizes, [256, 256, 88]);
}

#[tokio::test]
async fn large_events_are_read_in_batches_of_bounded_size() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 1);
    for _ in 0..40 {
        log.write(delta("x".repeat(60_000)));
    }

    let events = read_all(&reader, 7, 40).await;

    assert_eq!(ids(&events), (1..=40).map(|n| event_id(1, n)).collect::<Vec<_>>());
    let sizes = read(&reader, 7, 0).await;
    assert!(sizes.iter().all(|batch| batch.len() <= 6), "{:?}", sizes.len());
}

#[tokio::test]
async fn reading_after_an_event_gives_what_came_later() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 3);
    for n in 1..=300 {
        log.write(delta(n));
    }
    read_all(&reader, 7, 300).await;

    assert_eq!(
        ids(&read(&reader, 7, event_id(3, 298)).await.concat()),
        [event_id(3, 299), event_id(3, 300)]
    );
    assert_eq!(read(&reader, 7, event_id(3, 300)).await.len(), 0);
    assert_eq!(read(&reader, 7, event_id(2, 9)).await.concat().len(), 300);
}

#[tokio::test]
async fn a_replay_goes_on_with_what_was_written_since() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 1);
    log.write(delta("one"));
    read_all(&reader, 7, 1).await;
    let mut replay = reader.replay(7, 0);
    assert_eq!(ids(&replay.next_batch().await.unwrap().unwrap()), [event_id(1, 1)]);
    assert_eq!(replay.next_batch().await.unwrap(), None);

    log.write(delta("two"));
    read_all(&reader, 7, 2).await;

    assert_eq!(ids(&replay.next_batch().await.unwrap().unwrap()), [event_id(1, 2)]);
    assert_eq!(replay.next_batch().await.unwrap(), None);
}

#[tokio::test]
async fn a_worker_that_has_lost_the_run_is_not_heard() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let (mut first, mut second) = (queue.log(7, 1), queue.log(7, 2));
    first.write(Event::Attempt { number: 1 });
    second.write(Event::Attempt { number: 2 });
    first.write(delta("from the grave"));
    second.write(delta("alive"));

    let events = read_all(&reader, 7, 3).await;

    assert_eq!(ids(&events), [event_id(1, 1), event_id(2, 1), event_id(2, 2)]);
    assert_eq!(text(&events[2]), "alive");
}

#[tokio::test]
async fn each_kind_of_event_is_read_as_it_was_written() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 1);
    let (reason, message) = ("SQL_FAILED".to_owned(), "no such table".to_owned());
    log.write(Event::Attempt { number: 2 });
    log.write(Event::SqlGenerated("SELECT 1".to_owned()));
    log.write(Event::SqlError {
        reason: reason.clone(),
        message: message.clone(),
        sql: "SELECT x".to_owned(),
        number: 2,
    });
    log.write(Event::Rows(Preview {
        columns: vec!["n".to_owned()],
        rows: vec![vec![Some("1".to_owned())], vec![None]],
        row_count: 2,
        truncated_by: Some(TruncatedBy::Rows),
        total_rows: None,
    }));
    log.write(Event::Cancelling);
    log.write(Event::Retrying { reason, message: message.clone(), after: Duration::from_secs(2) });

    let mut events = read_all(&reader, 7, 6).await.into_iter().map(|it| it.event.unwrap());

    let mut next = || events.next().unwrap();
    assert!(matches!(next(), Told::Attempt(it) if it.number == 2));
    assert!(matches!(next(), Told::SqlGenerated(it) if it.sql_query == "SELECT 1"));
    assert!(matches!(next(), Told::SqlError(it) if it.error.as_ref().unwrap().message == message));
    let Told::Rows(rows) = next() else { panic!("no rows") };
    assert_eq!((rows.columns.len(), rows.rows.len(), rows.row_count), (1, 2, 2));
    assert!(rows.truncated);
    assert!(matches!(next(), Told::State(it) if it.state() == RunState::Cancelling));
    let Told::State(state) = next() else { panic!("no state") };
    assert_eq!(state.state(), RunState::Queued);
    assert_eq!(state.error.unwrap().reason, "SQL_FAILED");
    assert_eq!(state.retry_after.unwrap().seconds, 2);
}

#[tokio::test]
async fn a_log_that_does_not_exist_is_told_from_one_that_is_empty() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    assert_eq!(read(&reader, 7, 0).await.len(), 0);

    let jetstream = jetstream::new(queue.client.clone());
    jetstream.delete_stream(queue.stream("RUN_EVENTS")).await.unwrap();
    let wiped = reader.replay(7, 0).next_batch().await;
    assert!(matches!(wiped, Err(ReadError::NoStream)), "{wiped:?}");

    queue.streams().make().await.unwrap();
    queue.log(7, 1).write(delta("again"));
    assert_eq!(text(&read_all(&reader, 7, 1).await[0]), "again");
}

#[tokio::test]
async fn one_subscription_hears_the_events_of_all_runs_as_they_are_written() {
    let queue = Queue::on_shared_server().await;
    let mut live = LiveEvents::subscribe(&queue.client, &queue.names).await.unwrap();
    let foreign = Queue::on_shared_server().await;
    queue.settle().await;
    foreign.log(5, 1).write(delta("of another deployment"));
    foreign.settle().await;

    queue.log(7, 1).write(delta("seven"));
    queue.log(i64::MAX, 2).write(delta("eight"));

    for (id, said, event_id) in [(7, "seven", event_id(1, 1)), (i64::MAX, "eight", event_id(2, 1))]
    {
        let (run_id, event) = in_time(live.next()).await.unwrap();
        assert_eq!((run_id, text(&event), event.event_id), (id, said, event_id));
    }
}

#[tokio::test]
async fn what_finds_no_room_to_be_sent_is_left_out_without_waiting() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 1);

    // The client's task has no chance to run in between.
    for n in 1..=5_000 {
        log.write(delta(n));
    }
    queue.settle().await;
    log.write(delta("after"));

    let sent = eventually("the last event being written", async || {
        let sent = read(&reader, 7, 0).await.concat();
        (sent.last()?.event_id == event_id(1, 5_001)).then_some(sent)
    })
    .await;
    assert!((1_000..5_000).contains(&sent.len()), "{}", sent.len());
    let before = &sent[..sent.len() - 1];
    assert_eq!(ids(before), (1..=before.len() as i64).map(|n| event_id(1, n)).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_readers_at_once_read_the_same() {
    let queue = Queue::on_shared_server().await;
    let reader = queue.reader();
    let mut log = queue.log(7, 1);
    for n in 1..=500 {
        log.write(delta(n));
    }
    let whole = read_all(&reader, 7, 500).await;

    let all = future::join_all((0..20).map(|_| read(&reader, 7, 0))).await;

    assert!(all.into_iter().all(|batches| batches.concat() == whole));
}
