use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261122_000006_add_run_control", up: UP, down: DOWN };

const UP: &str = "
ALTER TABLE runs
    -- When it is given up.
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '1 hour',
    ADD COLUMN cancel_requested_at timestamptz,
    -- Of the last event before the final one; see run_queue::events.
    ADD COLUMN last_event_id bigint,
    DROP CONSTRAINT runs_state_check,
    DROP CONSTRAINT runs_ended_at_check;

ALTER TABLE runs
    ADD CONSTRAINT runs_state_check CHECK (state IN
        ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled', 'expired')),
    ADD CONSTRAINT runs_ended_at_check
        CHECK ((ended_at IS NULL) = (state IN ('queued', 'running', 'cancelling'))),
    ADD CONSTRAINT runs_cancel_requested_at_check
        CHECK ((cancel_requested_at IS NOT NULL) = (state IN ('cancelling', 'cancelled')));

-- Those that have ended, and those that stood still since their session is deleted.
UPDATE runs SET expires_at = created_at + interval '1 hour' WHERE ended_at IS NOT NULL;
UPDATE runs SET wake_at = expires_at WHERE expires_at < wake_at;

-- Serves admission and the policies of StartRun: what is unfinished of a session.
CREATE INDEX runs_chat_session_id_unfinished_idx
    ON runs (chat_session_id, id) WHERE ended_at IS NULL;

DROP INDEX runs_chat_session_id_queued_idx;

ALTER TABLE messages
    DROP CONSTRAINT messages_finish_reason_check;

ALTER TABLE messages
    ADD CONSTRAINT messages_finish_reason_check CHECK (
        (role = 'user' AND finish_reason IS NULL)
        OR (role = 'assistant' AND finish_reason IN ('stop', 'error', 'deadline', 'cancelled'))
    );
";

const DOWN: &str = "
ALTER TABLE messages DROP CONSTRAINT messages_finish_reason_check;

UPDATE messages SET finish_reason = 'error' WHERE finish_reason IN ('deadline', 'cancelled');

ALTER TABLE messages
    ADD CONSTRAINT messages_finish_reason_check CHECK (
        (role = 'user' AND finish_reason IS NULL)
        OR (role = 'assistant' AND finish_reason IN ('stop', 'error'))
    );

CREATE INDEX runs_chat_session_id_queued_idx
    ON runs (chat_session_id, id) WHERE admitted_at IS NULL AND ended_at IS NULL;

DROP INDEX runs_chat_session_id_unfinished_idx;

ALTER TABLE runs
    DROP CONSTRAINT runs_cancel_requested_at_check,
    DROP CONSTRAINT runs_ended_at_check,
    DROP CONSTRAINT runs_state_check;

UPDATE runs SET state = CASE WHEN ended_at IS NULL THEN 'running' ELSE 'failed' END
WHERE state IN ('cancelling', 'cancelled', 'expired');

ALTER TABLE runs
    ADD CONSTRAINT runs_state_check CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
    ADD CONSTRAINT runs_ended_at_check CHECK ((ended_at IS NULL) = (state IN ('queued', 'running'))),
    DROP COLUMN last_event_id,
    DROP COLUMN cancel_requested_at,
    DROP COLUMN expires_at;
";
