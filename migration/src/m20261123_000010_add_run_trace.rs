use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261123_000010_add_run_trace", up: UP, down: DOWN };

const UP: &str = "
-- Where the trace of the call that started it goes on, as W3C's headers have it; NULL if nobody
-- follows traces.
ALTER TABLE runs ADD COLUMN traceparent text, ADD COLUMN tracestate text;
";

const DOWN: &str = "
ALTER TABLE runs DROP COLUMN tracestate, DROP COLUMN traceparent;
";
