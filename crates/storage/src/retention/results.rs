//! The rows that answers were given from, where they are not kept as long as the answers.

use std::time::Duration;

use sea_orm::{DbBackend, Statement};

use super::execute;
use crate::{Database, Error};

/// Purges up to `limit` results that are older than `kept`.
#[tracing::instrument(name = "db.retention.purge_results", skip_all)]
pub async fn purge_results(db: &Database, kept: Duration, limit: i64) -> Result<u64, Error> {
    let sql = "
        DELETE FROM run_results WHERE run_id IN (
            SELECT run_id FROM run_results WHERE created_at < now() - $2 * interval '1 second'
            ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )";
    let values: [sea_orm::Value; 2] = [limit.into(), kept.as_secs_f64().into()];
    execute(db, Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await
}
