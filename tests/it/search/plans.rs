//! How PostgreSQL searches: by an index that leads to the owner's messages alone.

use sea_orm::{ConnectionTrait, Statement};
use storage::{
    UserId,
    entity::message::Role,
    search::{self, Filter, Meaning, Query},
};

use crate::harness::Harness;

/// Of 20,000 messages with the word, 100 are the first user's, in four of 800 sessions.
const SAID: &str = "
    INSERT INTO chat_sessions (user_id, agent_id)
    SELECT user_id, agent_id
    FROM chat_sessions, generate_series(2, CASE user_id WHEN 1 THEN 4 ELSE 796 END);

    WITH run AS (
        INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
            wake_at, ended_at, expires_at)
        SELECT id, agent_id, user_id, 'q', 'succeeded', now(), NULL, now(), now()
        FROM generate_series(1, 25), chat_sessions
        RETURNING *
    )
    INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order)
    SELECT chat_session_id, user_id, id, 'user', 'sales of ' || id,
        row_number() OVER (PARTITION BY chat_session_id)
    FROM run";

/// All of the first user's, and some of the other's.
const EMBEDDED: &str = "
    INSERT INTO message_embeddings (message_id, user_id, agent_id, chat_session_id, model,
        content_hash, embedding)
    SELECT m.id, m.user_id, s.agent_id, s.id, 'builtin', '',
        (SELECT array_agg(random()) FROM generate_series(1, 1536) WHERE m.id > 0)::vector
    FROM messages m JOIN chat_sessions s ON s.id = m.chat_session_id
    WHERE m.user_id = 1 OR m.sequence_order = 1";

/// How a statement is executed.
pub(super) async fn explain(db: &impl ConnectionTrait, statement: Statement) -> String {
    let sql = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {}", statement.sql);
    let rows = db.query_all_raw(Statement { sql, ..statement }).await.expect("it is right");
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(0).expect("it is text"));
    lines.collect::<Vec<_>>().join("\n")
}

async fn filled() -> Harness {
    let harness = Harness::without_worker().await;
    for user in [1, 2] {
        super::session(&harness, user).await;
    }
    harness.execute(SAID).await;
    harness.execute("VACUUM ANALYZE").await;
    harness
}

#[tokio::test]
async fn a_search_by_words_looks_at_no_message_of_another_user_and_asks_the_index_once() {
    let harness = filled().await;
    let query = Query { user_id: UserId(1), filter: Filter::default(), limit: 10 };
    let statement = search::words_statement(&query, "sale -\"no such\" or month").unwrap();

    let plan = explain(&harness.db, statement).await;

    let scan = plan.lines().find(|line| line.contains("Bitmap Index Scan on messages_words_idx"));
    let scan = scan.unwrap_or_else(|| panic!("the index is not asked:\n{plan}"));
    assert!(scan.contains("rows=100.00 loops=1)"), "{plan}");
    assert!(!plan.contains("Seq Scan on messages"), "{plan}");
}

#[tokio::test]
async fn a_search_by_meaning_looks_at_messages_only_where_a_filter_asks_and_by_their_ids() {
    let harness = filled().await;
    harness.execute(EMBEDDED).await;
    harness.execute("VACUUM ANALYZE message_embeddings").await;
    let meaning = Meaning { model: "builtin".to_owned(), embedding: vec![0.5; 1536] };
    let statement = |filter| {
        let query = Query { user_id: UserId(1), filter, limit: 10 };
        search::comparing_statement(&query, &meaning)
    };

    let plain = explain(&harness.db, statement(Filter::default())).await;
    let of_user = Filter { role: Some(Role::User), ..Filter::default() };
    let filtered = explain(&harness.db, statement(of_user)).await;

    assert!(!plain.contains(" on messages"), "{plain}");
    let scans: Vec<&str> = filtered.lines().filter(|it| it.contains(" on messages")).collect();
    let [scan] = scans[..] else { panic!("{filtered}") };
    assert!(scan.contains("Index Scan using messages_pkey on messages m"), "{filtered}");
    assert!(scan.contains("rows=1.00 loops=100)"), "{filtered}");
}
