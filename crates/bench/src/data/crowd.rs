//! A user with any number of sessions, all of them empty.

use tokio_postgres::Client;

use super::connect;
use crate::setup::Setup;

const MAKE: &str = "
    WITH owner AS (SELECT max(user_id) + 1 AS id FROM agents),
    source AS (
        INSERT INTO data_sources (user_id, name, kind) SELECT id, 'Flights', 'dataset' FROM owner
        RETURNING id, user_id
    ),
    agent AS (
        INSERT INTO agents (user_id, name, data_source_id, model, instructions, table_allow_list,
            max_rows, statement_timeout_ms)
        SELECT user_id, 'Flights', id, 'builtin', '', '{}', 1000, 30000 FROM source
        RETURNING id, user_id
    ),
    sessions AS (
        INSERT INTO chat_sessions (user_id, agent_id, title, is_titled, summary_cells,
            last_activity, created_at, updated_at)
        SELECT user_id, id, 'Session ' || number, true, 'none', at, at, at
        FROM agent, generate_series(1, $1::int) AS number,
            LATERAL (SELECT now() - number * interval '1 minute') AS began (at)
    )
    SELECT user_id FROM agent";

/// Makes one who has so many, and gives the id.
pub(crate) async fn make(setup: &Setup, sessions: i32) -> anyhow::Result<i64> {
    let client: Client = connect(&setup.postgres.url).await?;
    let user_id = client.query_one(MAKE, &[&sessions]).await?.try_get(0)?;
    client.batch_execute("VACUUM ANALYZE chat_sessions").await?;
    Ok(user_id)
}
