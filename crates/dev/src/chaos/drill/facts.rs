//! What must hold in a database, wherever it comes from.

use anyhow::ensure;

use crate::chaos::database::Database;

/// Each query's rows are violations, in words.
const INVARIANTS: [(&str, &str); 5] = [
    (
        "every run has ended",
        "
        SELECT format('run %s: %s', id, state) FROM runs WHERE ended_at IS NULL",
    ),
    (
        "an admitted run has one question and one answer, and another has neither",
        "
        SELECT format('run %s: %s messages', r.id, count(m.id))
        FROM runs r LEFT JOIN messages m ON m.run_id = r.id
        GROUP BY r.id HAVING array_agg(m.role ORDER BY m.sequence_order) IS DISTINCT FROM
            CASE WHEN r.admitted_at IS NULL THEN ARRAY[NULL] ELSE ARRAY['user', 'assistant'] END",
    ),
    (
        "a session's messages are numbered from 1 without gaps, and counted",
        "
        SELECT format('session %s: %s messages up to %s, counted %s', s.id, count(m.id),
            max(sequence_order), total_messages)
        FROM chat_sessions s LEFT JOIN messages m ON m.chat_session_id = s.id
        GROUP BY s.id
        HAVING count(m.id) <> total_messages OR coalesce(max(sequence_order), 0) <> total_messages",
    ),
    (
        "no run failed but for its statement",
        "
        SELECT format('run %s: %s', id, error_reason) FROM runs
        WHERE state = 'failed' AND (error_reason LIKE 'SQL%') IS NOT TRUE",
    ),
    (
        "a message belongs to a run of its session",
        "
        SELECT format('message %s', m.id) FROM messages m JOIN runs r ON r.id = m.run_id
        WHERE r.chat_session_id <> m.chat_session_id",
    ),
];

pub(super) async fn check(database: &Database) -> anyhow::Result<()> {
    let mut violations = Vec::new();
    for (invariant, query) in INVARIANTS {
        for row in database.rows(query, &[]).await? {
            violations.push(format!("{invariant}: {}", row.try_get::<_, String>(0)?));
        }
    }
    ensure!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
    Ok(())
}
