use crate::sql::Sql;

pub(crate) const MIGRATION: Sql =
    Sql { name: "m20261122_000007_create_idempotency_keys", up: UP, down: DOWN };

const UP: &str = "
CREATE TABLE idempotency_keys (
    user_id bigint NOT NULL,
    request_id uuid NOT NULL,
    -- As in the proto, for people who look.
    method text NOT NULL,
    payload_hash bytea NOT NULL,
    -- What the request has made or changed; NULL only before the commit.
    resource_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Serves every request with an id, and holds each to one effect.
    PRIMARY KEY (user_id, request_id)
);

-- Serves the sweep: keys that are old enough to go.
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
";

const DOWN: &str = "
DROP TABLE idempotency_keys;
";
