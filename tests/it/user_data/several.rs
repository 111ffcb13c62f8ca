//! Several deletions at once.

use std::time::Duration;

use tokio::time;

use super::{completed, delete};
use crate::harness::{Harness, eventually, random_uuid};

/// As if a data set of theirs were just being made: their deletions can't be complete.
async fn hold_up(harness: &Harness, user_id: i64) {
    let making = "UPDATE data_sources SET drop_at = now() + interval '1 hour' WHERE user_id =";
    harness.execute(&format!("{making} {user_id}")).await;
}

#[tokio::test]
async fn one_who_asks_again_and_again_keeps_nobody_waiting() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    for api in [&api, &other] {
        api.session(api.agent().await, "").await;
    }
    delete(&api, "").await;
    hold_up(&harness, 1).await;
    for _ in 0..100 {
        delete(&api, &random_uuid()).await;
    }

    let theirs = random_uuid();
    let theirs = time::timeout(Duration::from_secs(8), completed(&harness, &other, &theirs)).await;

    theirs.expect("others do not wait for him");
    let open = "SELECT count(*) FROM user_data_deletions WHERE completed_at IS NULL";
    assert_eq!(harness.number(open).await, 101);
    harness.execute("UPDATE data_sources SET drop_at = NULL").await;
    eventually("all of them being complete", async || {
        (harness.number(open).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn those_of_one_user_are_complete_in_their_order_and_what_goes_is_counted_once() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let [first, second] = [random_uuid(), random_uuid()];
    api.session(api.agent().await, "").await;
    delete(&api, &first).await;
    hold_up(&harness, 1).await;
    api.session(api.agent().await, "").await;

    delete(&api, &second).await;
    eventually("both sessions being gone", async || {
        super::nobody_follows(&harness).await;
        (harness.number("SELECT count(*) FROM chat_sessions").await == 0).then_some(())
    })
    .await;
    let noted = "INSERT INTO run_event_purges (run_id, deletion_id, expires_at)
        SELECT 1, min(id), now() + interval '1 hour' FROM user_data_deletions";
    harness.execute(noted).await;
    let meanwhile = [delete(&api, &first).await, delete(&api, &second).await];
    harness.execute("UPDATE data_sources SET drop_at = NULL").await;
    let ends = [completed(&harness, &api, &first).await, completed(&harness, &api, &second).await];

    assert!(meanwhile.iter().all(|it| it.completed_at.is_none()), "{meanwhile:?}");
    let counted = ends.map(|it| it.deleted.map(|it| it.sessions));
    assert_eq!(counted, [Some(2), Some(0)]);
    assert_eq!(harness.number("SELECT count(*) FROM run_event_purges").await, 0);
}

#[tokio::test]
async fn the_second_is_not_complete_while_events_are_noted_of_the_first() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    harness
        .execute(
            "INSERT INTO user_data_deletions (user_id, due_at) VALUES (1, now() + interval '1 h');
            INSERT INTO run_event_purges (run_id, deletion_id, expires_at)
            SELECT 1, id, now() + interval '1 h' FROM user_data_deletions",
        )
        .await;
    let second = random_uuid();

    let stored = delete(&api, &second).await;
    harness.execute("UPDATE user_data_deletions SET due_at = now()").await;
    let end = completed(&harness, &api, &second).await;

    assert_eq!(stored.completed_at, None);
    assert!(end.completed_at.is_some());
    assert_eq!(harness.number("SELECT count(*) FROM run_event_purges").await, 0);
}
