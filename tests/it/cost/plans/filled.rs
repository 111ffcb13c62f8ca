//! A database as it is in production: many users, and one who has a lot.

use super::USER;
use crate::harness::Harness;

/// What means nothing is not in the index of meanings, which takes long to make, and takes
/// little room.
const FILL: &str = "
    INSERT INTO data_sources (user_id, name, kind, schema_snapshot)
    SELECT 1000 + n % 100, 'Data ' || n, 'dataset', NULL FROM generate_series(1, 3000) AS n;

    INSERT INTO agents (user_id, name, data_source_id, model, instructions, table_allow_list,
        max_rows, statement_timeout_ms)
    SELECT user_id, 'Agent ' || id, id, 'builtin', '', '{}', 500, 30000
    FROM data_sources WHERE name LIKE 'Data _%';

    WITH owners AS (
        SELECT id, user_id FROM agents
        UNION ALL SELECT (SELECT min(id) FROM agents), $user FROM generate_series(1, 150)
    )
    INSERT INTO chat_sessions (user_id, agent_id, title, total_messages, last_activity)
    SELECT user_id, id, 'About ' || n || CASE n % 10 WHEN 0 THEN ' sales' ELSE '' END, 10,
        now() - n * interval '1 minute'
    FROM owners, generate_series(1, 2) AS n;

    INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at, wake_at,
        ended_at, created_at)
    SELECT id, agent_id, user_id, 'How much of ' || n || '?', 'succeeded', now(), NULL, now(),
        now() - n * interval '1 day'
    FROM chat_sessions, generate_series(1, 2) AS n;

    INSERT INTO run_results (run_id, columns, rows) SELECT id, '[]', '[]' FROM runs;

    INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order,
        finish_reason)
    SELECT chat_session_id, user_id, id, role, CASE id % 50 WHEN 0 THEN 'penguins' ELSE question END,
        2 * row_number() OVER (PARTITION BY chat_session_id, role ORDER BY id) - place,
        CASE role WHEN 'assistant' THEN 'stop' END
    FROM runs, (VALUES ('user', 1), ('assistant', 0)) AS one (role, place);

    ALTER TABLE message_embeddings ALTER embedding SET STORAGE EXTENDED;

    INSERT INTO message_embeddings (message_id, user_id, agent_id, chat_session_id, model,
        content_hash, embedding)
    SELECT m.id, m.user_id, s.agent_id, s.id, 'builtin', sha256(m.id::text::bytea),
        CASE m.id % 20 WHEN 0
            THEN (SELECT array_agg(random()) FROM generate_series(1, 1536) WHERE m.id > 0)
            ELSE array_fill(0.0, ARRAY[1536])
        END::vector
    FROM messages m JOIN chat_sessions s ON s.id = m.chat_session_id
    WHERE m.user_id <> $user OR m.id % 20 = 0;

    INSERT INTO idempotency_keys (user_id, request_id, method, payload_hash, resource_id)
    SELECT 1000 + n % 100, gen_random_uuid(), 'CreateSession', '', n
    FROM generate_series(1, 10000) AS n;

    INSERT INTO user_data_deletions (user_id, request_id, completed_at, due_at)
    SELECT 1000 + n % 100, gen_random_uuid(), now(), NULL FROM generate_series(1, 3000) AS n;

    WITH under_way AS (
        INSERT INTO user_data_deletions (user_id, due_at)
        SELECT 1000 + n, now() + interval '1 day' FROM generate_series(1, 1000) AS n RETURNING id
    )
    INSERT INTO run_event_purges (run_id, deletion_id, expires_at)
    SELECT -row_number() OVER (), id, now() + interval '1 day'
    FROM under_way, generate_series(1, 30);

    INSERT INTO background_tasks (kind, subject_id, due_at)
    SELECT 'embed', -n, now() + interval '1 day' FROM generate_series(1, 100000) AS n";

/// More than statistics know of: the workers have stood still since.
const BACKLOG: &str = "
    ALTER TABLE runs SET (autovacuum_enabled = off);

    INSERT INTO runs (chat_session_id, agent_id, user_id, question, wake_at)
    SELECT id, agent_id, user_id, 'How much?', now() + interval '1 day'
    FROM chat_sessions WHERE user_id <> $user";

/// The tables that have many rows then.
pub(super) const LARGE: [&str; 11] = [
    "agents",
    "background_tasks",
    "chat_sessions",
    "data_sources",
    "idempotency_keys",
    "message_embeddings",
    "messages",
    "run_event_purges",
    "run_results",
    "runs",
    "user_data_deletions",
];

pub(super) async fn fill(harness: &Harness) {
    let execute = async |sql: &str| harness.execute(&sql.replace("$user", &USER.to_string())).await;
    execute(FILL).await;
    // The index of words is dear as long as what is new is not sorted into it.
    execute("VACUUM ANALYZE").await;
    execute(BACKLOG).await;
}
