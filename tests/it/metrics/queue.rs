//! How much there is to be done.

use run_queue::{Names, Streams};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use session_service::metrics::watch_queue;
use storage::runs::backlog_statement;
use tokio_util::task::AbortOnDropHandle;

use super::{Shown, alone};
use crate::harness::{Harness, eventually};

const OLDEST_DELETION: &str = "tertulia_user_data_deletions_oldest_seconds";

#[tokio::test]
async fn what_waits_and_the_streams_are_shown() {
    alone("metrics::queue::what_waits_and_the_streams_are_shown", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let api = harness.api(1);
        let session = api.session(api.agent().await, "").await;
        api.start(session.id, "first").await;
        api.start(session.id, "second").await;
        api.start(session.id, "third").await;
        harness
            .execute("INSERT INTO background_tasks (kind, subject_id) VALUES ('embed', 1)")
            .await;

        let streams = Streams::new(harness.nats.clone(), harness.names.clone());
        let _watch = AbortOnDropHandle::new(tokio::spawn(watch_queue(harness.db.clone(), streams)));

        let runs = |state| shown.sum("tertulia_runs", &[("state", state)]);
        eventually("what waits is shown", async || {
            let shown = (runs("claimable"), runs("queued"), runs("running"));
            Some(()).filter(|()| shown == (1.0, 2.0, 0.0))
        })
        .await;
        let oldest = |state| shown.sum("tertulia_runs_oldest_wait_seconds", &[("state", state)]);
        assert!(0.0 < oldest("claimable") && 0.0 < oldest("queued"));
        assert_eq!(shown.sum("tertulia_background_tasks", &[("kind", "embed")]), 1.0);
        eventually("the streams are shown", async || {
            let wake_ups = shown.sum("tertulia_stream_messages", &[("stream", "RUNS")]);
            Some(()).filter(|()| wake_ups == 1.0)
        })
        .await;
        assert!(0.0 < shown.sum("tertulia_stream_max_bytes", &[("stream", "RUN_EVENTS")]));
    })
    .await;
}

/// Of each statement and server one.
const ASKED: [(&str, &[(&str, &str)]); 5] = [
    ("tertulia_runs", &[("state", "claimable")]),
    ("tertulia_runs_oldest_wait_seconds", &[("state", "queued")]),
    ("tertulia_background_tasks_oldest_wait_seconds", &[("kind", "embed")]),
    (OLDEST_DELETION, &[]),
    ("tertulia_stream_messages", &[("stream", "RUN_DEAD_LETTERS")]),
];

#[tokio::test]
async fn what_was_not_asked_or_can_not_be_is_not_known() {
    alone("metrics::queue::what_was_not_asked_or_can_not_be_is_not_known", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let is_known = || ASKED.map(|(name, labels)| !shown.sum(name, labels).is_nan());
        assert_eq!(is_known(), [false; 5]);

        let streams = Streams::new(harness.nats.clone(), harness.names.clone());
        let watch = AbortOnDropHandle::new(tokio::spawn(watch_queue(harness.db.clone(), streams)));
        let all_are = async || Some(()).filter(|()| is_known() == [true; 5]);
        eventually("all of it is known", all_are).await;

        drop(watch);
        harness.lose_database().await;
        let nowhere = Streams::new(harness.nats.clone(), Names::with_prefix("nowhere"));
        let _watch = AbortOnDropHandle::new(tokio::spawn(watch_queue(harness.db.clone(), nowhere)));
        let none_is = async || Some(()).filter(|()| is_known() == [false; 5]);
        eventually("none of it is known", none_is).await;
    })
    .await;
}

#[tokio::test]
async fn the_oldest_deletion_that_is_not_complete_is_shown() {
    alone("metrics::queue::the_oldest_deletion_that_is_not_complete_is_shown", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let deletions =
            "INSERT INTO user_data_deletions (user_id, requested_at, due_at, completed_at)
            VALUES (2, now() - interval '2 hours', now() + interval '1 hour', NULL),
                (3, now() - interval '9 hours', NULL, now())";
        harness.execute(deletions).await;

        let streams = Streams::new(harness.nats.clone(), harness.names.clone());
        let _watch = AbortOnDropHandle::new(tokio::spawn(watch_queue(harness.db.clone(), streams)));

        let is_shown = async || {
            let seconds = shown.sum(OLDEST_DELETION, &[]);
            Some(()).filter(|()| (7_200.0..7_300.0).contains(&seconds))
        };
        eventually("the oldest that is not complete", is_shown).await;
    })
    .await;
}

#[tokio::test]
async fn a_run_that_backs_off_does_not_wait_for_a_worker_and_one_whose_worker_died_does() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    for _ in 0..2 {
        api.start(api.session(agent, "").await.id, "well?").await;
    }
    let change = "UPDATE runs SET state = v.state, updated_at = now() - interval '1 hour',
            lease_expires_at = now() + v.lease
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM runs) AS r
        JOIN (VALUES (1, 'queued', interval '1 minute'), (2, 'running', interval '-1 minute'))
            AS v (n, state, lease) USING (n)
        WHERE runs.id = r.id";
    harness.execute(change).await;

    let backlog = storage::runs::backlog(&harness.db).await.expect("the database answers");

    assert_eq!((backlog.backing_off, backlog.claimable.runs, backlog.running), (1, 1, 0));
    let waited = backlog.claimable.oldest.as_secs();
    assert!((60..90).contains(&waited), "{waited} s: since the lease, not since the attempt");
}

#[tokio::test]
async fn runs_that_have_ended_are_not_looked_at() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.start(session.id, "well?").await;
    let ended =
        "INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
            wake_at, ended_at, expires_at)
        SELECT chat_session_id, agent_id, user_id, 'q', 'succeeded', now(), NULL, now(), now()
        FROM runs, generate_series(1, 20000)";
    harness.execute(ended).await;
    harness.execute("VACUUM ANALYZE runs").await;

    let Statement { sql, .. } = backlog_statement();
    let explain = Statement::from_string(DbBackend::Postgres, format!("EXPLAIN {sql}"));
    let lines = harness.db.query_all_raw(explain).await.expect("it is right");
    let lines = lines.iter().map(|it| it.try_get_by_index::<String>(0).expect("it is text"));
    let plan = lines.collect::<Vec<_>>().join("\n");
    assert!(plan.contains("Index Scan using runs_") && !plan.contains("Seq Scan"), "{plan}");
}
