//! Having all messages embedded anew.

use model::{Builtin, Models};
use proto::v1 as pb;
use run_worker::reembed::reembed;
use storage::embeddings::{self, BATCH};
use tokio_util::sync::CancellationToken;

use crate::harness::{Expect as _, Harness, eventually};

/// Messages of one user with embeddings by the model `old`, two of three.
async fn embedded(messages: i64) -> Harness {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    let sql = "WITH asked AS (
            INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
                wake_at, ended_at, expires_at)
            SELECT s.id, s.agent_id, s.user_id, 'q', 'succeeded', now(), NULL, now(), now()
            FROM chat_sessions s, generate_series(1, $messages)
            WHERE s.id = $session RETURNING id, agent_id
        ),
        said AS (
            INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order)
            SELECT $session, 1, id, 'user', 'question ' || id, row_number() OVER () FROM asked
            RETURNING id
        )
        INSERT INTO message_embeddings
            (message_id, user_id, agent_id, chat_session_id, model, content_hash, embedding)
        SELECT said.id, 1, (SELECT min(agent_id) FROM asked), $session, 'old', '',
            array_fill(0.1, ARRAY[1536])::vector
        FROM said WHERE said.id % 3 > 0";
    let sql = sql.replace("$session", &session.to_string());
    // An index that is built row by row takes its time.
    harness.execute("DROP INDEX message_embeddings_embedding_idx").await;
    harness.execute(&sql.replace("$messages", &messages.to_string())).await;
    harness
}

#[tokio::test]
async fn stopped_and_started_again_it_goes_on_where_it_was() {
    let harness = embedded(2 * BATCH + 10).await;

    let first = embeddings::go_on_again(&harness.db, Models::BUILTIN).await.unwrap();
    assert_eq!((first.seen, first.enqueued), (BATCH, BATCH));
    harness.execute("DELETE FROM background_tasks").await;
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert_eq!(reembed(&harness.db, Models::BUILTIN, &stopped).await.unwrap(), None);
    let enqueued = reembed(&harness.db, Models::BUILTIN, &CancellationToken::new()).await.unwrap();

    assert_eq!(enqueued, Some(BATCH + 10));
    let least = "SELECT min(subject_id) FROM background_tasks";
    assert_eq!(harness.number(least).await, first.last_message_id.0 + 1);
    assert_eq!(harness.number("SELECT count(*) FROM reembeddings").await, 0);
}

#[tokio::test]
async fn workers_embed_what_it_finds_and_nothing_is_left_of_the_old_model() {
    let harness = embedded(BATCH).await;
    let by =
        |model: &str| format!("SELECT count(*) FROM message_embeddings WHERE model = '{model}'");

    let _worker = harness.worker(Builtin, 1);
    let running = CancellationToken::new();
    assert_eq!(reembed(&harness.db, Models::BUILTIN, &running).await.unwrap(), Some(BATCH));
    harness.all_is_embedded().await;

    assert_eq!(harness.number(&by(Models::BUILTIN)).await, BATCH);
    assert_eq!(harness.number(&by("old")).await, 0);
    assert_eq!(reembed(&harness.db, Models::BUILTIN, &running).await.unwrap(), Some(0));
}

/// Waits until someone has counted the tasks later than at a time, and says when.
async fn has_looked(harness: &Harness, later_than: i64) -> i64 {
    let sql = "SELECT coalesce(max(extract(epoch FROM query_start) * 1000000), 0)::bigint
        FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'SELECT count(*) AS tasks%'";
    eventually("a look at the tasks", async || {
        let time = harness.number(sql).await;
        (later_than < time).then_some(time)
    })
    .await
}

#[tokio::test]
async fn it_waits_while_the_workers_are_far_behind() {
    let harness = embedded(10).await;
    let backlog = "INSERT INTO background_tasks (kind, subject_id, due_at)
        SELECT 'embed', -id, now() + interval '1 h' FROM generate_series(1, 2001) AS id";
    harness.execute(backlog).await;

    let db = storage::connect(&harness.database_url, 1).await.unwrap();
    let running = CancellationToken::new();
    let task = tokio::spawn(async move { reembed(&db, Models::BUILTIN, &running).await });
    let first = has_looked(&harness, 0).await;
    has_looked(&harness, first).await;
    assert_eq!(harness.messages_to_embed().await, 2_001);
    harness.execute("DELETE FROM background_tasks WHERE subject_id = -1").await;

    assert_eq!(task.await.unwrap().unwrap(), Some(10));
    assert_eq!(harness.messages_to_embed().await, 2_010);
}

#[tokio::test]
async fn a_session_that_was_deleted_meanwhile_is_embedded_anew_once_it_is_back() {
    let harness = embedded(10).await;
    let (api, running) = (harness.api(1), CancellationToken::new());
    let session_id = harness.number("SELECT id FROM chat_sessions").await;
    let _worker = harness.worker(Builtin, 1);

    api.delete_session(session_id).await;
    assert_eq!(reembed(&harness.db, Models::BUILTIN, &running).await.unwrap(), Some(0));
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();
    harness.all_is_embedded().await;

    let old = "SELECT count(*) FROM message_embeddings WHERE model = 'old'";
    assert_eq!(harness.number(old).await, 0);
}
