use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261123_000014_validate_retention", up: UP, down: DOWN };

const UP: &str = "
-- By itself: it reads the table, and nobody is to wait meanwhile.
ALTER TABLE agents VALIDATE CONSTRAINT agents_conversation_retention_seconds_check;
";

const DOWN: &str = "
ALTER TABLE agents DROP CONSTRAINT agents_conversation_retention_seconds_check,
    ADD CONSTRAINT agents_conversation_retention_seconds_check
        CHECK (conversation_retention_seconds > 0) NOT VALID;
";
