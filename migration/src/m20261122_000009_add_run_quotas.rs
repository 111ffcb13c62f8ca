use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261122_000009_add_run_quotas", up: UP, down: DOWN };

const UP: &str = "
-- Serves StartRun with a bound on a user's runs at once.
CREATE INDEX runs_user_id_unfinished_idx ON runs (user_id) WHERE ended_at IS NULL;

-- Serves StartRun with a bound on a user's runs or tokens of a day.
CREATE INDEX runs_user_id_created_at_idx ON runs (user_id, created_at);
";

const DOWN: &str = "
DROP INDEX runs_user_id_created_at_idx;
DROP INDEX runs_user_id_unfinished_idx;
";
