//! Deleted sessions.

use futures::future;
use proto::v1 as pb;
use sea_orm::ConnectionTrait as _;
use storage::retention::{self, Purged};
use tonic::{Code, Status};

use super::PIECE;
use crate::harness::{Api, Endless, Expect as _, Harness, eventually};

async fn undelete(
    api: &Api,
    session_id: i64,
) -> Result<tonic::Response<pb::UndeleteSessionResponse>, Status> {
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await
}

#[tokio::test]
async fn a_deleted_session_goes_with_all_that_hangs_on_it_once_its_days_are_over() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let agent = api.penguins_agent().await;
    let [kept, deleted] = [api.session(agent, "kept").await.id, api.session(agent, "").await.id];
    for session in [kept, deleted, deleted] {
        api.ask(session, "How many penguins by island?").await;
    }
    harness.all_is_embedded().await;
    api.delete_session(deleted).await;
    let before = ["messages", "runs", "run_results", "message_embeddings"];
    let before = future::join_all(before.map(|it| harness.count(it))).await;

    harness.age("29 days 23 hours").await;
    let too_early = harness.purge_sessions().await;
    harness.age("2 hours").await;
    let purged = harness.purge_sessions().await;

    assert_eq!(before, [6, 3, 3, 6]);
    assert_eq!(too_early, Purged::default());
    let expected = Purged { sessions: 1, messages: 4, embeddings: 4, runs: 2, results: 2 };
    assert_eq!(purged, expected);
    for (table, left) in [
        ("chat_sessions", 1),
        ("messages", 2),
        ("runs", 1),
        ("run_results", 1),
        ("message_embeddings", 2),
        ("background_tasks", 0),
    ] {
        assert_eq!(harness.count(table).await, left, "{table}");
    }
    harness.assert_sound(kept).await;
    assert_eq!(api.messages(kept).await.len(), 2);
    undelete(&api, deleted).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn a_session_with_an_unfinished_run_waits_for_its_end_and_so_long_that_it_is_heard() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let provider = Endless::shared();
    let worker = harness.worker(provider, 1);
    let run = api.start(session.id, "endless").await;
    provider.begun().await;
    harness
        .execute(
            "UPDATE chat_sessions SET deleted_at = now(), purge_at = now(), updated_at = 'epoch'",
        )
        .await;

    let while_it_runs = harness.purge_sessions().await;
    let watch = {
        harness.execute("UPDATE chat_sessions SET deleted_at = NULL, purge_at = NULL").await;
        let watch = api.watch(run.id, 0).await;
        api.delete_session(session.id).await;
        harness.execute("UPDATE chat_sessions SET purge_at = now()").await;
        watch
    };
    eventually("its end", async || {
        (harness.number("SELECT count(*) FROM runs WHERE ended_at IS NULL").await == 0)
            .then_some(())
    })
    .await;
    let just_ended = harness.purge_sessions().await;
    let seen = watch.rest().await;
    worker.stop().await;
    harness.age("10 seconds").await;
    let afterwards = harness.purge_sessions().await;

    assert_eq!((while_it_runs, just_ended), Default::default());
    let last = seen.into_iter().next_back().and_then(|it| it.event);
    assert!(matches!(last, Some(pb::run_event::Event::Final(_))), "{last:?}");
    assert_eq!((afterwards.sessions, afterwards.messages), (1, 2));
}

#[tokio::test]
async fn a_session_that_has_begun_to_go_can_not_be_brought_back() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    for question in ["SELECT 1", "SELECT 2", "SELECT 3"] {
        api.ask(session, question).await;
    }
    api.delete_session(session).await;
    harness.age("31 days").await;

    let first = retention::purge_sessions(&harness.db, None, 1).await.unwrap();
    // As if its time were over only now, by the clock of one who wants it back.
    let sound =
        "SELECT count(*) FROM chat_sessions s WHERE purge_at = 'epoch' AND total_messages = 4
        AND 4 = (SELECT max(sequence_order) FROM messages WHERE chat_session_id = s.id)
        AND 4 = (SELECT count(*) FROM messages WHERE chat_session_id = s.id)";
    let is_sound = harness.number(sound).await;
    undelete(&api, session).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
    let rest = harness.purge_sessions().await;

    assert_eq!((first.runs, first.messages, first.sessions), (1, 2, 0));
    assert_eq!(is_sound, 1);
    assert_eq!((rest.runs, rest.sessions), (2, 1));
}

#[tokio::test]
async fn whoever_brings_a_session_back_in_the_last_moment_has_it() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    api.ask(session, "SELECT 1").await;
    api.delete_session(session).await;
    harness.age("31 days").await;
    let last_moment = storage::transaction(&harness.db).await.unwrap();
    let back = "UPDATE chat_sessions SET deleted_at = NULL, purge_at = NULL";
    last_moment.execute_unprepared(back).await.unwrap();

    let meanwhile = harness.purge_sessions().await;
    last_moment.commit().await.unwrap();
    let afterwards = harness.purge_sessions().await;

    assert_eq!((meanwhile, afterwards), Default::default());
    harness.assert_sound(session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_three_who_purge_at_once_each_takes_others() {
    let harness = Harness::without_worker().await;
    let agents = [harness.api(1).agent().await, harness.api(2).agent().await];
    for (user, agent) in (1..).zip(agents) {
        harness
            .execute(&format!(
                "INSERT INTO chat_sessions (user_id, agent_id, deleted_at, purge_at, updated_at)
                SELECT {user}, {agent}, 'epoch', 'epoch', 'epoch' FROM generate_series(1, 500)"
            ))
            .await;
    }

    let purging = async || {
        let (mut purged, mut idle) = (0, 0);
        // Others may hold all that is left.
        while idle < 3 {
            let piece = retention::purge_sessions(&harness.db, None, PIECE).await.unwrap();
            idle = if piece.is_any() { 0 } else { idle + 1 };
            purged += piece.sessions;
        }
        purged
    };
    let (one, two, three) = future::join3(purging(), purging(), purging()).await;

    let rest = harness.purge_sessions().await;
    assert_eq!(one + two + three + rest.sessions, 1_000, "{one}, {two}, {three}, {rest:?}");
    assert_eq!(harness.count("chat_sessions").await, 0);
}
