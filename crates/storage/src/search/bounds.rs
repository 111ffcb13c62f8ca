//! What a search may cost the database.

use sea_orm::{DbBackend, Statement, entity::prelude::*};

use crate::{Database, Error, Transaction};

/// Begins a transaction for a search. A statement of it that takes too long is ended,
/// as if the database were not available.
pub(super) async fn begin(db: &Database) -> Result<Transaction, Error> {
    let tx = crate::transaction(db).await?;
    tx.execute_raw(settings()).await?;
    Ok(tx)
}

/// Sets them for a transaction. To compile a statement takes longer than it saves: the
/// planner takes what it is told to avoid for very expensive.
pub(super) fn settings() -> Statement {
    let sql = "SELECT set_config('statement_timeout', '5s', true), set_config('jit', 'off', true)";
    Statement::from_string(DbBackend::Postgres, sql)
}
