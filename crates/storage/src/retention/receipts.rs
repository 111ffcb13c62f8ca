//! Receipts of what users have had deleted.

use std::time::Duration;

use sea_orm::{DbBackend, Statement};

use super::execute;
use crate::{Database, Error};

/// Purges up to `limit` receipts of deletions that were complete longer than `kept` ago.
#[tracing::instrument(name = "db.retention.purge_receipts", skip_all)]
pub async fn purge_receipts(db: &Database, kept: Duration, limit: i64) -> Result<u64, Error> {
    let sql = "
        DELETE FROM user_data_deletions WHERE id IN (
            SELECT id FROM user_data_deletions
            WHERE completed_at < now() - $2 * interval '1 second'
            ORDER BY completed_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )";
    let values: [sea_orm::Value; 2] = [limit.into(), kept.as_secs_f64().into()];
    execute(db, Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await
}
