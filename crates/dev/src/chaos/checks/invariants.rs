//! What must hold in the database. Each query's rows are violations, in words.

/// Of one connection, so that nothing is left of an earlier attempt.
pub(super) const TABLES: &str = "
    DROP VIEW IF EXISTS chaos.lost_attempts, chaos.rolled;
    DROP TABLE IF EXISTS chaos.asked, chaos.watched;
    CREATE TABLE chaos.asked (
        number bigint PRIMARY KEY, question text, is_answerable boolean, has_deadline boolean,
        concurrency text, outcome text, reason text, run_ids bigint[], attempts integer,
        cancelled_as text);
    CREATE TABLE chaos.watched (run_id bigint, state text, saw_gap boolean, until bigint);
    CREATE VIEW chaos.lost_attempts AS SELECT run_id, count(*) AS count
        FROM (SELECT run_id, role, at, coalesce(lead(at) OVER (PARTITION BY run_id ORDER BY id),
                (SELECT ended_at FROM runs WHERE id = run_id)) AS next_at
            FROM chaos.claims) c
        WHERE EXISTS (SELECT FROM chaos.hits h
                WHERE h.role = c.role AND c.at < h.at + interval '1 second' AND h.at < c.next_at)
            OR chaos.met(at, next_at, 'restart-postgres-fast', 'restart-postgres-immediate',
                'cut-connections')
        GROUP BY run_id;
    CREATE VIEW chaos.rolled AS SELECT r.*, (
            SELECT count(DISTINCT role) FROM chaos.claims WHERE run_id = r.id) AS workers
        FROM runs r
        WHERE EXISTS (SELECT FROM chaos.windows w WHERE fault = 'rolling-restart'
                AND r.created_at < w.ended AND w.began < r.ended_at)
            AND NOT EXISTS (SELECT FROM chaos.windows w WHERE fault <> 'rolling-restart'
                AND r.created_at < w.ended + interval '2 seconds' AND w.began < r.ended_at);
    CREATE INDEX ON runs (question);
    ANALYZE";

pub(super) const WRITE_ASKED: &str = "INSERT INTO chaos.asked
    SELECT * FROM jsonb_populate_recordset(NULL::chaos.asked, $1::text::jsonb)";

pub(super) const WRITE_WATCHED: &str = "INSERT INTO chaos.watched
    SELECT * FROM jsonb_populate_recordset(NULL::chaos.watched, $1::text::jsonb)";

pub(super) const FENCE_RISES: &str =
    "the fence rises by one with each claim, and with an end without one";

pub(super) const ROLLING: &str = "a rolling restart fails no run and spends no attempt";

/// Runs that a rolling restart had one worker hand to another.
pub(super) const HANDED_OVER: &str = "SELECT count(*) FROM chaos.rolled WHERE 1 < workers";

pub(super) const ALL: [(&str, &str); 18] = [
    ("an acknowledged run is there and has ended", "
        SELECT format('run %s %s', id, coalesce('is ' || state, 'is not there'))
        FROM (SELECT DISTINCT unnest(run_ids) AS id FROM chaos.asked) a LEFT JOIN runs USING (id)
        WHERE ended_at IS NULL ORDER BY id"),
    ("a request has one run, however often it is made", "
        SELECT format('%s: %s, %s runs, answered with %s', a.question, outcome, count(r.id), run_ids)
        FROM chaos.asked a LEFT JOIN runs r ON r.question = a.question
        GROUP BY a.number
        HAVING CASE
            WHEN outcome IN ('acknowledged', 'contradicted') THEN count(r.id) <> 1
                OR min(r.id) <> ALL (run_ids)
                OR EXISTS (SELECT FROM unnest(run_ids) id WHERE id <> run_ids[1])
            -- An earlier call of the same request may have gone through unheard.
            WHEN outcome = 'refused' AND a.attempts = 1 THEN count(r.id) <> 0
            ELSE count(r.id) > 1 END"),
    ("a call is refused only for a reason that it has", "
        SELECT format('%s: %s %s', question, outcome, reason) FROM chaos.asked
        WHERE outcome IN ('unknown', 'contradicted') OR outcome = 'refused' AND NOT (
            concurrency = 'CONCURRENCY_REJECT' AND reason = 'FailedPrecondition'
            OR concurrency = 'CONCURRENCY_ENQUEUE' AND reason = 'ResourceExhausted')"),
    ("an admitted run that ended has one question and one answer, others have none", "
        SELECT format('run %s, %s, admitted %s: %s questions, %s answers',
            r.id, state, admitted_at IS NOT NULL, questions, answers)
        FROM runs r CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE role = 'user') AS questions,
                count(*) FILTER (WHERE role = 'assistant') AS answers
            FROM messages WHERE run_id = r.id) m
        WHERE questions <> (admitted_at IS NOT NULL)::int
            OR answers <> (admitted_at IS NOT NULL AND ended_at IS NOT NULL)::int"),
    ("the user's message is the question, in the run's session", "
        SELECT format('message %s of run %s', m.id, r.id)
        FROM messages m JOIN runs r ON r.id = run_id
        WHERE m.chat_session_id <> r.chat_session_id
            OR role = 'user' AND content <> question"),
    ("the sequence of a session is 1, 2, 3, … to its number of messages", "
        SELECT format('session %s: %s messages from %s to %s, %s different, total_messages %s',
            s.id, count(m.id), min(sequence_order), max(sequence_order),
            count(DISTINCT sequence_order), total_messages)
        FROM chat_sessions s LEFT JOIN messages m ON chat_session_id = s.id
        GROUP BY s.id
        HAVING count(m.id) <> total_messages OR count(DISTINCT sequence_order) <> total_messages
            OR coalesce(max(sequence_order), 0) <> total_messages"),
    ("last_message and last_activity are those of the last message", "
        SELECT format('session %s', s.id)
        FROM chat_sessions s CROSS JOIN LATERAL (
            SELECT content, created_at FROM messages WHERE chat_session_id = s.id
            ORDER BY sequence_order DESC, id DESC LIMIT 1) m
        WHERE last_message <> left(content, 500) OR last_activity <> m.created_at"),
    ("each question is followed by its own answer, and questions keep their order", "
        SELECT format('session %s, message %s', chat_session_id, sequence_order)
        FROM (
            SELECT *, lag(run_id) OVER w AS before, lag(role) OVER w AS role_before
            FROM messages
            WINDOW w AS (PARTITION BY chat_session_id ORDER BY sequence_order, id)) m
        WHERE CASE role
            WHEN 'user' THEN role_before = 'user' OR before >= run_id
            ELSE role_before IS DISTINCT FROM 'user' OR before <> run_id END"),
    ("a session has one admitted, unfinished run at a time", "
        SELECT format('runs %s and %s of session %s', a.run_id, b.run_id, a.chat_session_id)
        FROM chaos.admissions a JOIN chaos.admissions b
            ON b.chat_session_id = a.chat_session_id AND a.run_id <> b.run_id AND a.at <= b.at
        WHERE b.at < coalesce(
            (SELECT min(at) FROM chaos.ends e WHERE e.run_id = a.run_id), 'infinity')"),
    ("a run ends once, and is admitted at most once", "
        SELECT format('run %s ended %s times', run_id, count(*))
        FROM chaos.ends GROUP BY run_id HAVING count(*) > 1
        UNION ALL SELECT format('run %s was admitted %s times', run_id, count(*))
        FROM chaos.admissions GROUP BY run_id HAVING count(*) > 1"),
    ("a worker ends a run only with the latest claim on it", "
        SELECT format('run %s: claimed by %s, ended by %s as %s', run_id, claimed_by, role, state)
        FROM chaos.ends
        WHERE role LIKE 'chaos_worker%' AND claimed_by IS DISTINCT FROM role"),
    (FENCE_RISES, "
        SELECT format('run %s: from %s to %s by %s', run_id, fence_before, fence, role)
        FROM (SELECT run_id, fence_before, fence, role, 1 AS step FROM chaos.claims
            UNION ALL SELECT run_id, fence_before, fence, role,
                (role NOT LIKE 'chaos_worker%')::int FROM chaos.ends) f
        WHERE fence <> fence_before + step"),
    ("a run whose cancel was acknowledged ends as cancelled", "
        SELECT format('run %s was %s, and is %s', r.id, cancelled_as, state)
        FROM chaos.asked JOIN runs r ON r.id = run_ids[1]
        WHERE cancelled_as LIKE 'cancel%' AND state <> 'cancelled'"),
    ("an end has a cause", "
        SELECT format('run %s: %s %s', r.id, state, error_reason)
        FROM runs r JOIN chaos.asked ON r.id = run_ids[1]
        WHERE (CASE state
            WHEN 'succeeded' THEN is_answerable
            WHEN 'failed' THEN CASE
                WHEN error_reason LIKE 'SQL%' THEN NOT is_answerable
                WHEN error_reason = 'ATTEMPTS_EXHAUSTED' THEN 3 <= (
                    SELECT count FROM chaos.lost_attempts WHERE run_id = r.id)
                ELSE error_reason <> 'INTERNAL' AND chaos.met(created_at, ended_at,
                    'restart-postgres-fast', 'restart-postgres-immediate', 'cut-connections',
                    'cut-off-worker') END
            WHEN 'expired' THEN has_deadline
            WHEN 'cancelled' THEN error_reason = 'CANCELLED' AND cancelled_as IS NOT NULL
                OR error_reason IN ('INTERRUPTED', 'SUPERSEDED') AND EXISTS (
                    SELECT FROM chaos.asked o JOIN runs later ON later.id = o.run_ids[1]
                    WHERE o.concurrency = 'CONCURRENCY_INTERRUPT' AND later.id > r.id
                        AND later.chat_session_id = r.chat_session_id)
            ELSE false END) IS NOT TRUE"),
    (ROLLING, "
        SELECT format('run %s: %s %s, %s attempts', id, state, error_reason, attempts)
        FROM chaos.rolled
        WHERE attempts > 1 OR state = 'failed' AND (error_reason LIKE 'SQL%') IS NOT TRUE"),
    ("an answer is of its question, and its finish_reason that of the run's end", "
        SELECT format('run %s, %s: %s, sql_query %s, content %s',
            r.id, state, finish_reason, sql_query, left(content, 80))
        FROM messages m JOIN runs r ON r.id = run_id JOIN chaos.asked a ON a.question = r.question
        WHERE (CASE role
            WHEN 'user' THEN sql_query IS NULL AND finish_reason IS NULL
            ELSE CASE state
                WHEN 'succeeded' THEN finish_reason = 'stop' AND sql_query IS NOT NULL
                    AND content ~ format('(_|\\m)%s\\M', number)
                WHEN 'failed' THEN finish_reason = 'error'
                WHEN 'cancelled' THEN finish_reason = 'cancelled'
                WHEN 'expired' THEN finish_reason = 'deadline' END
                AND (sql_query IS NULL OR sql_query ~ format('(_|\\m)%s\\M', number)) END
            ) IS NOT TRUE"),
    ("the final event of a watch tells the stored state", "
        SELECT format('run %s: %s, stored %s', run_id, w.state, r.state)
        FROM chaos.watched w JOIN runs r ON r.id = run_id WHERE w.state <> r.state"),
    ("nobody asked for a run that is there", "
        SELECT format('run %s: %s', id, question) FROM runs
        WHERE question NOT IN (SELECT question FROM chaos.asked)"),
];
