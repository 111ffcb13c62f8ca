//! The rows that a transaction about runs locks: the session's first, then the
//! runs'.

use sea_orm::{
    DbBackend, FromQueryResult, QueryOrder as _, QuerySelect as _, Statement, entity::prelude::*,
    sea_query::LockType,
};

use crate::{
    Error, RunId, SessionId, Transaction,
    entity::run::{COLUMN, Column, Entity, Model},
    error,
};

/// Locks a session's row.
pub(super) async fn session(tx: &Transaction, id: SessionId) -> Result<(), Error> {
    let values: [sea_orm::Value; 1] = [id.into()];
    let sql = "SELECT FROM chat_sessions WHERE id = $1 FOR NO KEY UPDATE";
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

/// Locks a session's row, if it is to be had soon: for one who has others to look at.
pub(super) async fn session_soon(tx: &Transaction, id: SessionId) -> Result<(), Error> {
    let sql = "SET LOCAL lock_timeout = '500ms'";
    tx.execute_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    session(tx, id).await
}

/// Locks and reads a run, of a session that is locked.
pub(super) async fn run(tx: &Transaction, id: RunId) -> Result<Model, Error> {
    find_run(tx, id).await?.ok_or(Error::NotFound(error::Entity::Run))
}

/// The same of a run that may have been purged.
pub(super) async fn find_run(tx: &Transaction, id: RunId) -> Result<Option<Model>, Error> {
    Ok(Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?)
}

/// Locks and reads what is unfinished of a session that is locked, in the order of
/// its queue.
pub(super) async fn unfinished(
    tx: &Transaction,
    session_id: SessionId,
) -> Result<Vec<Model>, Error> {
    let runs = Entity::find()
        .filter(COLUMN.chat_session_id.eq(session_id))
        .filter(Column::EndedAt.is_null())
        .order_by_asc(Column::Id)
        .lock(LockType::NoKeyUpdate)
        .all(tx)
        .await?;
    Ok(runs)
}

/// What time it is, now that the locks are granted.
pub(super) async fn clock(tx: &Transaction) -> Result<DateTimeUtc, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        now: DateTimeUtc,
    }

    let sql = "SELECT clock_timestamp() AS now";
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    let row = Row::find_by_statement(statement).one(tx).await?;
    Ok(row.expect("a SELECT without FROM has a row").now)
}
