//! How PostgreSQL searches: by an index that leads to the owner's messages alone.

use sea_orm::{ConnectionTrait, Statement};
use storage::{
    UserId,
    search::{self, Filter, Query},
};

use crate::harness::Harness;

/// How a statement is executed.
pub(super) async fn explain(db: &impl ConnectionTrait, statement: Statement) -> String {
    let sql = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {}", statement.sql);
    let rows = db.query_all_raw(Statement { sql, ..statement }).await.expect("it is right");
    let lines = rows.iter().map(|row| row.try_get_by_index::<String>(0).expect("it is text"));
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_search_by_words_looks_at_no_message_of_another_user() {
    let harness = Harness::without_worker().await;
    for user in [1, 2] {
        super::session(&harness, user).await;
    }
    // Of 5,000 messages with the word, 25 are the first user's.
    let said = "WITH run AS (
            INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
                wake_at, ended_at, expires_at)
            SELECT s.id, s.agent_id, s.user_id, 'q', 'succeeded', now(), NULL, now(), now()
            FROM generate_series(1, 5000) AS n
            JOIN chat_sessions s ON s.user_id = CASE WHEN n % 200 = 0 THEN 1 ELSE 2 END
            RETURNING *
        )
        INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order)
        SELECT chat_session_id, user_id, id, 'user', 'sales of ' || id,
            row_number() OVER (PARTITION BY chat_session_id)
        FROM run";
    harness.execute(said).await;
    harness.execute("VACUUM ANALYZE messages").await;

    let query = Query { user_id: UserId(1), filter: Filter::default(), limit: 10 };
    let statement = search::words_statement(&query, "sale -\"no such\" or month").unwrap();
    let plan = explain(&harness.db, statement).await;

    let scan = plan.lines().find(|line| line.contains("Bitmap Index Scan on messages_words_idx"));
    let scan = scan.unwrap_or_else(|| panic!("the index is not asked:\n{plan}"));
    assert!(scan.contains("rows=25"), "{plan}");
    assert!(!plan.contains("Seq Scan on messages"), "{plan}");
}
