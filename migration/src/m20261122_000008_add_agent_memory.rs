use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261122_000008_add_agent_memory", up: UP, down: DOWN };

const UP: &str = "
CREATE EXTENSION IF NOT EXISTS vector;

ALTER TABLE agents
    -- What of the data its model's provider gets to see.
    ADD COLUMN privacy_mode text NOT NULL DEFAULT 'none',
    ADD COLUMN sample_values boolean NOT NULL DEFAULT false,
    ADD COLUMN max_cost double precision NOT NULL DEFAULT 1000000000,
    ADD CONSTRAINT agents_privacy_mode_check
        CHECK (privacy_mode IN ('none', 'aggregates', 'full')),
    ADD CONSTRAINT agents_sample_values_check CHECK (NOT sample_values OR privacy_mode = 'full');

ALTER TABLE data_sources
    ADD COLUMN schema_read_at timestamptz,
    -- As data_source::Samples, of the snapshot; once an agent has asked for them.
    ADD COLUMN sample_values jsonb;

-- They lack what is read of a schema from now on, and are read anew.
UPDATE data_sources SET schema_snapshot = NULL;

ALTER TABLE chat_sessions
    -- Up to which message the summary goes.
    ADD COLUMN summary_until_sequence bigint NOT NULL DEFAULT 0,
    -- What of the data the summary may hold; see messages.cells.
    ADD COLUMN summary_cells text NOT NULL DEFAULT 'rows',
    -- Whether the title is the user's, or was given once: it is left alone.
    ADD COLUMN is_titled boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT chat_sessions_summary_cells_check
        CHECK (summary_cells IN ('none', 'aggregates', 'rows'));

UPDATE chat_sessions SET is_titled = title <> '' OR total_messages > 0,
    summary_cells = CASE context_summary WHEN '' THEN 'none' ELSE 'rows' END;

ALTER TABLE runs
    ADD COLUMN total_rows bigint,
    ADD COLUMN truncated_by text,
    ADD COLUMN model text,
    ADD COLUMN prompt_tokens bigint NOT NULL DEFAULT 0,
    ADD COLUMN completion_tokens bigint NOT NULL DEFAULT 0;

UPDATE runs SET truncated_by = 'rows' WHERE truncated;

ALTER TABLE runs
    DROP COLUMN truncated,
    ADD CONSTRAINT runs_truncated_by_check CHECK (truncated_by IN ('rows', 'bytes'));

-- The rows that an answer was given from.
CREATE TABLE run_results (
    run_id bigint PRIMARY KEY
        CONSTRAINT run_results_run_id_fkey REFERENCES runs ON DELETE CASCADE,
    -- Names and types, in order.
    columns jsonb NOT NULL,
    -- An array of arrays of what Postgres printed, or null.
    rows jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE messages
    ADD COLUMN user_id bigint,
    -- What of the data the text may hold: what a provider may be sent of it follows.
    ADD COLUMN cells text NOT NULL DEFAULT 'rows',
    ADD CONSTRAINT messages_cells_check CHECK (cells IN ('none', 'aggregates', 'rows'));

UPDATE messages SET user_id = s.user_id, cells = CASE role WHEN 'user' THEN 'none' ELSE 'rows' END
FROM chat_sessions s WHERE s.id = messages.chat_session_id;

-- Without its accents the plural of -ão is no other form of the same word to Postgres.
CREATE FUNCTION fold_portuguese(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(fold_text(value), 'oes\\M', 'ao', 'g');

-- A message's words in both languages, folded first so that with and without their
-- accents they have the same stem; and its owner, so that one look-up in the index
-- finds the owner's messages alone. It lies between the languages, far from both, so
-- that no phrase begins in one and ends in the other. Of a very long text the
-- beginning: a tsvector has its limit, beyond which the message could not be stored.
CREATE FUNCTION message_words(user_id bigint, content text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector('portuguese'::regconfig, left(fold_portuguese(left(content, 50000)), 50000))
        || ('''owner:' || user_id::text || ''':100')::tsvector
        || to_tsvector('english'::regconfig, left(fold_text(left(content, 50000)), 50000));

ALTER TABLE messages
    ALTER COLUMN user_id SET NOT NULL,
    -- Stored, for the index does not know where in a text the words stand.
    ADD COLUMN words tsvector GENERATED ALWAYS AS (message_words(user_id, content)) STORED;

-- Serves SearchMessages by words.
CREATE INDEX messages_words_idx ON messages USING gin (words);

CREATE TABLE message_embeddings (
    message_id bigint PRIMARY KEY
        CONSTRAINT message_embeddings_message_id_fkey REFERENCES messages ON DELETE CASCADE,
    user_id bigint NOT NULL,
    agent_id bigint NOT NULL,
    chat_session_id bigint NOT NULL,
    -- Whose embedding it is: those of two models are never compared.
    model text NOT NULL,
    -- SHA-256 of the text that was embedded.
    content_hash bytea NOT NULL,
    embedding vector(1536) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Serves SearchMessages by meaning, of a user who has few messages.
CREATE INDEX message_embeddings_user_id_model_idx ON message_embeddings (user_id, model);

-- Serves the same within a session.
CREATE INDEX message_embeddings_chat_session_id_idx ON message_embeddings (chat_session_id);

-- Serves embedding: the same text again.
CREATE INDEX message_embeddings_content_hash_idx
    ON message_embeddings (user_id, content_hash, model);

-- Serves SearchMessages by meaning, of a user who has many.
CREATE INDEX message_embeddings_embedding_idx
    ON message_embeddings USING hnsw (embedding vector_cosine_ops);

-- What workers do beside runs. A row is a task until it is deleted; who takes it
-- moves its time on, so that another can take it if they die.
CREATE TABLE background_tasks (
    -- embed: a message; summarize: a session.
    kind text NOT NULL,
    subject_id bigint NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, subject_id),
    CONSTRAINT background_tasks_kind_check CHECK (kind IN ('embed', 'summarize'))
);

-- Serves workers: what is due.
CREATE INDEX background_tasks_kind_due_at_idx ON background_tasks (kind, due_at);

INSERT INTO background_tasks (kind, subject_id)
SELECT 'embed', m.id FROM messages m JOIN chat_sessions s ON s.id = m.chat_session_id
WHERE s.deleted_at IS NULL;

-- How far embedding all messages anew with a model has come.
CREATE TABLE reembeddings (
    model text PRIMARY KEY,
    last_message_id bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
);
";

const DOWN: &str = "
DROP TABLE reembeddings;
DROP TABLE background_tasks;
DROP TABLE message_embeddings;
ALTER TABLE messages DROP COLUMN words, DROP COLUMN cells, DROP COLUMN user_id;

DROP FUNCTION message_words(bigint, text);
DROP FUNCTION fold_portuguese(text);

DROP TABLE run_results;

ALTER TABLE runs ADD COLUMN truncated boolean NOT NULL DEFAULT false;

UPDATE runs SET truncated = true WHERE truncated_by IS NOT NULL;

ALTER TABLE runs
    DROP COLUMN completion_tokens,
    DROP COLUMN prompt_tokens,
    DROP COLUMN model,
    DROP COLUMN truncated_by,
    DROP COLUMN total_rows;

-- What they may hold of the data would be forgotten.
UPDATE chat_sessions SET context_summary = '';

ALTER TABLE chat_sessions
    DROP COLUMN is_titled,
    DROP COLUMN summary_cells,
    DROP COLUMN summary_until_sequence;

ALTER TABLE data_sources DROP COLUMN sample_values, DROP COLUMN schema_read_at;

ALTER TABLE agents
    DROP COLUMN max_cost,
    DROP COLUMN sample_values,
    DROP COLUMN privacy_mode;
";
