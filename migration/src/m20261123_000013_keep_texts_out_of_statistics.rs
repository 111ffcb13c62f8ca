use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261123_000013_keep_texts_out_of_statistics", up: UP, down: DOWN };

const UP: &str = "
-- Statistics hold values of columns, and keep them when the rows are gone. No statement is
-- planned by what users say.
ALTER TABLE agents
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN instructions SET STATISTICS 0,
    ALTER COLUMN table_allow_list SET STATISTICS 0;

ALTER TABLE data_sources
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN host SET STATISTICS 0,
    ALTER COLUMN database SET STATISTICS 0,
    ALTER COLUMN username SET STATISTICS 0,
    ALTER COLUMN ca_pem SET STATISTICS 0,
    ALTER COLUMN sealed_password SET STATISTICS 0,
    ALTER COLUMN schema_snapshot SET STATISTICS 0,
    ALTER COLUMN sample_values SET STATISTICS 0;

ALTER TABLE chat_sessions
    ALTER COLUMN title SET STATISTICS 0,
    ALTER COLUMN title_folded SET STATISTICS 0,
    ALTER COLUMN last_message SET STATISTICS 0,
    ALTER COLUMN context_summary SET STATISTICS 0;

ALTER TABLE runs
    ALTER COLUMN question SET STATISTICS 0,
    ALTER COLUMN sql_used SET STATISTICS 0,
    ALTER COLUMN error_message SET STATISTICS 0,
    ALTER COLUMN traceparent SET STATISTICS 0,
    ALTER COLUMN tracestate SET STATISTICS 0;

ALTER TABLE run_results
    ALTER COLUMN columns SET STATISTICS 0,
    ALTER COLUMN rows SET STATISTICS 0;

ALTER TABLE messages
    ALTER COLUMN content SET STATISTICS 0,
    ALTER COLUMN sql_query SET STATISTICS 0,
    ALTER COLUMN message_metadata SET STATISTICS 0,
    ALTER COLUMN words SET STATISTICS 0;

ALTER TABLE message_embeddings
    ALTER COLUMN content_hash SET STATISTICS 0,
    ALTER COLUMN embedding SET STATISTICS 0;

ALTER TABLE idempotency_keys
    ALTER COLUMN payload_hash SET STATISTICS 0;
";

const DOWN: &str = "
ALTER TABLE agents
    ALTER COLUMN name SET STATISTICS -1,
    ALTER COLUMN instructions SET STATISTICS -1,
    ALTER COLUMN table_allow_list SET STATISTICS -1;

ALTER TABLE data_sources
    ALTER COLUMN name SET STATISTICS -1,
    ALTER COLUMN host SET STATISTICS -1,
    ALTER COLUMN database SET STATISTICS -1,
    ALTER COLUMN username SET STATISTICS -1,
    ALTER COLUMN ca_pem SET STATISTICS -1,
    ALTER COLUMN sealed_password SET STATISTICS -1,
    ALTER COLUMN schema_snapshot SET STATISTICS -1,
    ALTER COLUMN sample_values SET STATISTICS -1;

ALTER TABLE chat_sessions
    ALTER COLUMN title SET STATISTICS -1,
    ALTER COLUMN title_folded SET STATISTICS -1,
    ALTER COLUMN last_message SET STATISTICS -1,
    ALTER COLUMN context_summary SET STATISTICS -1;

ALTER TABLE runs
    ALTER COLUMN question SET STATISTICS -1,
    ALTER COLUMN sql_used SET STATISTICS -1,
    ALTER COLUMN error_message SET STATISTICS -1,
    ALTER COLUMN traceparent SET STATISTICS -1,
    ALTER COLUMN tracestate SET STATISTICS -1;

ALTER TABLE run_results
    ALTER COLUMN columns SET STATISTICS -1,
    ALTER COLUMN rows SET STATISTICS -1;

ALTER TABLE messages
    ALTER COLUMN content SET STATISTICS -1,
    ALTER COLUMN sql_query SET STATISTICS -1,
    ALTER COLUMN message_metadata SET STATISTICS -1,
    ALTER COLUMN words SET STATISTICS -1;

ALTER TABLE message_embeddings
    ALTER COLUMN content_hash SET STATISTICS -1,
    ALTER COLUMN embedding SET STATISTICS -1;

ALTER TABLE idempotency_keys
    ALTER COLUMN payload_hash SET STATISTICS -1;
";
