//! Tasks beside runs.

use std::{collections::BTreeSet, time::Duration};

use storage::background::{self, Kind, Task};

use crate::harness::{Harness, eventually};
use storage::Database;

const LONG: Duration = Duration::from_secs(600);

async fn with_tasks(count: i64) -> Harness {
    let harness = Harness::without_worker().await;
    let sql = "INSERT INTO background_tasks (kind, subject_id)
        SELECT kind, id FROM unnest(ARRAY['embed', 'summarize']) AS kind, generate_series(1, $)
            AS id";
    harness.execute(&sql.replace('$', &count.to_string())).await;
    harness
}

async fn take(db: &Database, limit: u16, lease: Duration) -> Vec<Task> {
    background::take(db, Kind::Embed, limit, lease).await.expect("the database answers")
}

fn ids(tasks: &[Task]) -> BTreeSet<i64> {
    tasks.iter().map(|task| task.subject_id).collect()
}

#[tokio::test]
async fn of_several_workers_each_takes_other_tasks() {
    let harness = with_tasks(40).await;

    let taking = (0..5).map(|_| take(&harness.db, 10, LONG));
    let taken = futures::future::join_all(taking).await.concat();

    assert_eq!(ids(&taken).len(), taken.len(), "{taken:?}");
    let rest = take(&harness.db, 100, LONG).await;
    assert_eq!(ids(&[taken, rest].concat()), (1..=40).collect());
}

#[tokio::test]
async fn what_a_worker_took_and_never_finished_is_taken_over_after_its_lease() {
    let harness = with_tasks(1).await;
    let lease = Duration::from_millis(300);

    let lost = take(&harness.db, 10, lease).await;
    assert_eq!(take(&harness.db, 10, lease).await, []);
    let taken = eventually("the lease being over", async || {
        let taken = take(&harness.db, 10, LONG).await;
        (!taken.is_empty()).then_some(taken)
    })
    .await;

    assert_eq!((taken[0].subject_id, taken[0].attempts), (1, 2));
    background::done(&harness.db, Kind::Embed, &lost).await.unwrap();
    background::postpone(&harness.db, Kind::Embed, &lost).await.unwrap();
    background::retry(&harness.db, Kind::Embed, &lost).await.unwrap();
    assert_eq!(harness.messages_to_embed().await, 1, "the first worker is too late");
    background::done(&harness.db, Kind::Embed, &taken).await.unwrap();
    assert_eq!(harness.messages_to_embed().await, 0);
    assert_eq!(background::lag(&harness.db, Kind::Summarize).await.unwrap().tasks, 1);
}

#[tokio::test]
async fn a_task_that_is_wanted_once_more_meanwhile_stays() {
    let harness = with_tasks(1).await;

    let taken = take(&harness.db, 10, LONG).await;
    harness.execute("UPDATE background_tasks SET due_at = now(), attempts = 0").await;
    background::done(&harness.db, Kind::Embed, &taken).await.unwrap();

    let again = take(&harness.db, 10, LONG).await;
    assert_eq!((again.len(), again[0].attempts), (1, 1));
}

#[tokio::test]
async fn a_failed_task_waits_longer_each_time_and_one_that_was_not_tried_keeps_its_attempts() {
    let harness = with_tasks(1).await;
    let wait = "SELECT ceil(extract(epoch FROM due_at - now()))::bigint FROM background_tasks
        WHERE kind = 'embed'";

    let mut longest = 0;
    for attempts in 1..=12 {
        let taken = take(&harness.db, 10, LONG).await;
        assert_eq!(taken[0].attempts, attempts);
        background::retry(&harness.db, Kind::Embed, &taken).await.unwrap();
        let seconds = harness.number(wait).await;
        let most = 600.min(1 << attempts.min(10));
        assert!(most / 2 <= seconds && seconds <= most, "{attempts}: {seconds}");
        longest = longest.max(seconds);
        harness.execute("UPDATE background_tasks SET due_at = now()").await;
    }
    assert!(300 <= longest, "{longest}");

    let taken = take(&harness.db, 10, LONG).await;
    background::postpone(&harness.db, Kind::Embed, &taken).await.unwrap();
    assert!(harness.number(wait).await <= 2);
    harness
        .execute("UPDATE background_tasks SET due_at = now(), created_at = now() - interval '1 h'")
        .await;
    let taken = take(&harness.db, 10, LONG).await;
    assert_eq!(taken[0].attempts, 13);
    background::postpone(&harness.db, Kind::Embed, &taken).await.unwrap();
    assert!(300 <= harness.number(wait).await);
    harness.execute("UPDATE background_tasks SET due_at = now()").await;
    let taken = take(&harness.db, 10, LONG).await;
    background::give_back(&harness.db, Kind::Embed, &taken).await.unwrap();
    let taken = take(&harness.db, 10, LONG).await;
    assert_eq!(taken[0].attempts, 13, "it is there at once");
}

#[tokio::test]
async fn the_lag_is_how_long_the_oldest_task_has_been_waiting() {
    let harness = with_tasks(3).await;
    harness
        .execute(
            "UPDATE background_tasks SET created_at = now() - interval '90 s', due_at = now()
            WHERE kind = 'embed' AND subject_id = 2",
        )
        .await;

    let lag = background::lag(&harness.db, Kind::Embed).await.unwrap();

    assert_eq!(lag.tasks, 3);
    assert!((90..100).contains(&lag.oldest.as_secs()), "{lag:?}");
    harness.execute("DELETE FROM background_tasks").await;
    let lag = background::lag(&harness.db, Kind::Embed).await.unwrap();
    assert_eq!((lag.tasks, lag.oldest), (0, Duration::ZERO));
}
