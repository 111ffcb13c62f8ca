-- What is wrong with the database, if the product has written it: each query gives the cases.

SELECT s.id FROM chat_sessions s
LEFT JOIN (
    SELECT chat_session_id, count(*) AS count, min(sequence_order) AS first,
        max(sequence_order) AS last
    FROM messages GROUP BY chat_session_id
) m ON m.chat_session_id = s.id
WHERE s.total_messages <> coalesce(m.count, 0)
    OR m.count > 0 AND (m.first <> 1 OR m.last <> m.count)
LIMIT 10;

SELECT s.id FROM chat_sessions s
JOIN messages m ON m.chat_session_id = s.id AND m.sequence_order = s.total_messages
WHERE s.last_message <> left(m.content, 500) OR s.last_activity <> m.created_at
LIMIT 10;

SELECT m.id FROM messages m
LEFT JOIN runs r ON r.id = m.run_id
LEFT JOIN chat_sessions s ON s.id = m.chat_session_id
WHERE r.chat_session_id IS DISTINCT FROM m.chat_session_id
    OR r.user_id IS DISTINCT FROM m.user_id OR s.user_id IS DISTINCT FROM m.user_id
    OR m.role = 'user' AND m.content IS DISTINCT FROM r.question
    OR m.role = 'assistant' AND m.sql_query IS DISTINCT FROM r.sql_used
LIMIT 10;

SELECT r.id FROM runs r
LEFT JOIN chat_sessions s ON s.id = r.chat_session_id
WHERE s.agent_id IS DISTINCT FROM r.agent_id OR s.user_id IS DISTINCT FROM r.user_id
LIMIT 10;

SELECT s.id FROM chat_sessions s
LEFT JOIN agents a ON a.id = s.agent_id
WHERE a.user_id IS DISTINCT FROM s.user_id
LIMIT 10;

SELECT run_id FROM messages GROUP BY run_id
HAVING count(*) <> 2 OR count(*) FILTER (WHERE role = 'user') <> 1
LIMIT 10;

-- Of some: all would take as long as filling the database.
SELECT id FROM messages
WHERE id % 499 = 0 AND words IS DISTINCT FROM message_words(user_id, content)
LIMIT 10;
