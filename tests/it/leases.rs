//! Who may write about a run: the holder of its latest claim, and nobody else.

use std::time::Duration;

use futures::future;
use storage::{
    RunId,
    entity::{message::Cells, run},
    runs::{self, Claim, Ended, Ending, Outcome, Terms},
};

use crate::harness::{Api, Harness, TERMS, eventually};

/// So short that it has passed by the next claim.
const NO_TIME: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(60);

async fn queued_run(harness: &Harness) -> (Api, i64, RunId) {
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "well?").await;
    (api, session.id, RunId(run.id))
}

async fn claim(harness: &Harness, id: RunId, lease: Duration) -> run::Model {
    eventually("the run being free", async || {
        runs::claim(&harness.db, id, terms(lease)).await.expect("the database answers")
    })
    .await
}

fn terms(lease: Duration) -> Terms {
    Terms { lease, ..TERMS }
}

fn ending(content: &str) -> Ending {
    Ending {
        outcome: Outcome::Succeeded,
        content: content.to_owned(),
        sql: None,
        execution: None,
        cells: Cells::None,
        usage: None,
        last_event_id: 0,
    }
}

#[tokio::test]
async fn of_many_who_claim_a_run_at_once_one_is_granted_it() {
    let harness = Harness::without_worker().await;
    let (_, _, id) = queued_run(&harness).await;

    let claims = (0..20).map(|_| runs::claim(&harness.db, id, terms(LONG)));
    let claims = future::try_join_all(claims).await.unwrap();

    assert_eq!(claims.into_iter().flatten().count(), 1);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_can_change_nothing() {
    let harness = Harness::without_worker().await;
    let (api, session_id, id) = queued_run(&harness).await;
    let zombie = claim(&harness, id, NO_TIME).await;
    let holder = claim(&harness, id, LONG).await;

    let renewed = runs::renew(&harness.db, &zombie, LONG).await.unwrap();
    let released = runs::release(&harness.db, &zombie, NO_TIME, None).await.unwrap();
    let ended = runs::end(&harness.db, &zombie, ending("from the grave")).await.unwrap();

    assert_eq!((renewed, released), (Claim::Lost, Claim::Lost));
    assert!(matches!(ended, Ended::Lost));
    let now = runs::get(&harness.db, holder.user_id, id).await.unwrap();
    assert_eq!((now.fence, now.state), (holder.fence, run::State::Running));
    assert_eq!(api.messages(session_id).await.len(), 1);
    let ended = runs::end(&harness.db, &holder, ending("alive")).await.unwrap();
    assert!(matches!(ended, Ended::Done { next: None }));
}

#[tokio::test]
async fn a_run_ends_once() {
    let harness = Harness::without_worker().await;
    let (api, session_id, id) = queued_run(&harness).await;
    let holder = claim(&harness, id, LONG).await;

    let ends = (0..10).map(|n| runs::end(&harness.db, &holder, ending(&n.to_string())));
    let ends = future::try_join_all(ends.collect::<Vec<_>>()).await.unwrap();

    // One who did not hear that his commit went through may ask again.
    assert!(ends.iter().all(|it| matches!(it, Ended::Done { next: None })), "{ends:?}");
    assert_eq!(api.messages(session_id).await.len(), 2);
    assert!(runs::claim(&harness.db, id, terms(LONG)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_run_that_was_given_back_is_left_alone_until_its_backoff_is_over() {
    let harness = Harness::without_worker().await;
    let (_, _, id) = queued_run(&harness).await;
    let held = claim(&harness, id, LONG).await;

    assert_eq!(runs::release(&harness.db, &held, LONG, None).await.unwrap(), Claim::Held);

    assert!(runs::claim(&harness.db, id, terms(LONG)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_run_whose_turn_has_not_come_can_not_be_claimed() {
    let harness = Harness::without_worker().await;
    let (api, session_id, _) = queued_run(&harness).await;
    let waiting = api.start(session_id, "and then?").await;

    let claimed = runs::claim(&harness.db, RunId(waiting.id), terms(LONG)).await.unwrap();

    assert!(claimed.is_none());
}
