//! Deleted agents and data sources that nothing refers to any more.

use sea_orm::{DbBackend, Statement};

use super::execute;
use crate::{Database, Error};

/// Purges up to `limit` agents that were deleted 30 days ago, and whose conversations are all
/// gone. Until then their owner is told that they are deleted.
#[tracing::instrument(name = "db.retention.purge_agents", skip_all)]
pub async fn purge_agents(db: &Database, limit: i64) -> Result<u64, Error> {
    let sql = "
        DELETE FROM agents WHERE id IN (
            SELECT a.id FROM agents a
            WHERE a.deleted_at < now() - interval '30 days'
                AND NOT EXISTS (SELECT FROM chat_sessions s WHERE s.agent_id = a.id)
            ORDER BY a.deleted_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )";
    execute(db, Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()])).await
}

/// Purges up to `limit` data sources that were deleted a day ago, whose tables are dropped
/// and that no agent names. The day is for requests that are repeated, and for data sets that
/// are still being made.
#[tracing::instrument(name = "db.retention.purge_data_sources", skip_all)]
pub async fn purge_data_sources(db: &Database, limit: i64) -> Result<u64, Error> {
    let sql = "
        DELETE FROM data_sources WHERE id IN (
            SELECT d.id FROM data_sources d
            WHERE d.deleted_at < now() - interval '1 day' AND d.drop_at IS NULL
                AND NOT EXISTS (SELECT FROM agents a WHERE a.data_source_id = d.id)
            ORDER BY d.deleted_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )";
    execute(db, Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()])).await
}
