//! Whether the database's schema is the one that this release's statements are for.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, RuntimeErr, Statement};

use crate::{Database, Error};

/// The newest migration that the statements need.
pub const NEWEST_MIGRATION: &str = "m20261123_000015_index_run_states";

const APPLIED: &str = "SELECT FROM seaql_migrations WHERE version = $1";

/// What it is before the first migration, and before the role was granted its rights.
const NOT_YET: [&str; 2] = ["42P01", "42501"];

/// Whether the migrations have come as far as is needed; they may be further.
pub async fn is_migrated(db: &Database) -> Result<bool, Error> {
    let values = [NEWEST_MIGRATION.into()];
    let query = Statement::from_sql_and_values(DbBackend::Postgres, APPLIED, values);
    match db.query_one_raw(query).await {
        Ok(row) => Ok(row.is_some()),
        Err(error) if is_not_yet(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn is_not_yet(error: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) =
        error
    else {
        return false;
    };
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| NOT_YET.contains(&&*code))
}
