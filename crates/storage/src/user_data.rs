//! Deleting all that a user has.
//!
//! The deletion is stored and everything hidden in one transaction; what is left to do after
//! it can be done by anybody, in pieces, and again. Rows that are made later are not touched:
//! what is hidden can't be found, so nothing new hangs on it.

mod backlog;
mod erase;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, entity::prelude::*};
use uuid::Uuid;

use crate::{
    Database, Error, Transaction, UserId,
    idempotency::{self, Begun, Request},
    retention::Purged,
    runs::Today,
};

pub use backlog::oldest_unfinished;
pub use erase::{
    Cancelled, cancel_runs, complete, forget_events, purge_rest, runs_with_events, take_unfinished,
};

/// The method's name, by which its request's id is known among the others.
pub const METHOD: &str = "DeleteUserData";

/// What was asked for, how far it has come, and how much of what has gone. Nothing of what the
/// user had is in it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Deletion {
    pub id: i64,
    pub user_id: UserId,
    pub requested_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    pub sessions: i64,
    pub messages: i64,
    pub embeddings: i64,
    pub runs: i64,
    pub results: i64,
    pub agents: i64,
    pub data_sources: i64,
    pub request_ids: i64,
}

impl Deletion {
    const COLUMNS: &str = "id, user_id, requested_at, completed_at, sessions, messages, \
        embeddings, runs, results, agents, data_sources, request_ids";

    async fn find(
        tx: &impl ConnectionTrait,
        condition: &str,
        values: [sea_orm::Value; 2],
    ) -> Result<Option<Self>, Error> {
        let sql = format!("SELECT {} FROM user_data_deletions WHERE {condition}", Self::COLUMNS);
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        Ok(Self::find_by_statement(statement).one(tx).await?)
    }
}

/// Hides all that a user has, and stores that it is to be deleted. A request that was made
/// before gives its deletion as it is now, for as long as the receipt is kept.
#[tracing::instrument(name = "db.user_data.delete", skip_all, fields(user.id = %user_id))]
pub async fn delete(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
) -> Result<Deletion, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => return get(db, user_id, id).await,
    };
    let tx = effect.tx();
    lock(tx, user_id).await?;
    if let Some(before) = find(tx, user_id, request).await? {
        effect.commit(before.id).await?;
        return Ok(before);
    }
    let is_any = hide_all(tx, user_id).await?;
    if !is_any
        && request.is_none()
        && let Some(open) = open(tx, user_id).await?
    {
        effect.commit(open.id).await?;
        return Ok(open);
    }
    let deletion = insert(tx, user_id, request).await?;
    // Of an empty account there is nothing to do, and nobody is to look for it.
    let deletion = complete(tx, &deletion).await?.pop().unwrap_or(deletion);
    effect.commit(deletion.id).await?;
    let Deletion { id, requested_at, .. } = deletion;
    tracing::info!(deletion.id = id, user.id = %user_id, %requested_at, "all data of a user is hidden");
    Ok(deletion)
}

/// Says whether there was anything.
async fn hide_all(tx: &Transaction, user_id: UserId) -> Result<bool, Error> {
    let mut hidden = 0;
    for hide in [HIDE_DATA_SOURCES, HIDE_AGENTS, HIDE_SESSIONS] {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, hide, [user_id.into()]);
        hidden += tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(hidden > 0)
}

/// A data set that is still being made is not revealed, since its time is another; it is
/// dropped when it can't be in the making any more.
const HIDE_DATA_SOURCES: &str = "
    UPDATE data_sources SET deleted_at = coalesce(deleted_at, now()), updated_at = now(),
        sealed_password = NULL, schema_snapshot = NULL, sample_values = NULL,
        drop_at = CASE
            WHEN deleted_at IS NULL AND kind = 'dataset' THEN now()
            ELSE drop_at + interval '1 microsecond' END
    WHERE user_id = $1 AND (deleted_at IS NULL OR deleted_at <= now() AND now() < drop_at)";

/// After the data sources: an agent that is just being made on one of them is seen. Whoever
/// makes sessions locks their agent.
const HIDE_AGENTS: &str = "
    UPDATE agents SET deleted_at = now(), updated_at = now()
    WHERE user_id = $1 AND deleted_at IS NULL";

/// Also those that could be brought back.
const HIDE_SESSIONS: &str = "
    UPDATE chat_sessions SET deleted_at = coalesce(deleted_at, now()), purge_at = 'epoch'
    WHERE user_id = $1 AND (deleted_at IS NULL OR now() < purge_at)";

/// Of several deletions of one user at once, one comes after the other.
async fn lock(tx: &Transaction, user_id: UserId) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('data of user ' || $1::text, 0))";
    let values: [sea_orm::Value; 1] = [user_id.into()];
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

async fn insert(
    tx: &Transaction,
    user_id: UserId,
    request: Option<&Request>,
) -> Result<Deletion, Error> {
    let sql = format!(
        "INSERT INTO user_data_deletions (user_id, request_id, runs_today, tokens_today)
        VALUES ($1, $2::uuid, $3, $4) RETURNING {}",
        Deletion::COLUMNS
    );
    let request_id = request.map(|request| request.id.to_string());
    let today = Today::of(tx, user_id).await?;
    let values: [sea_orm::Value; 4] =
        [user_id.into(), request_id.into(), today.runs.into(), today.tokens.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let deletion = Deletion::find_by_statement(statement).one(tx).await?;
    Ok(deletion.expect("an INSERT without a condition has a row"))
}

/// Gets a deletion as it is now.
#[tracing::instrument(name = "db.user_data.get", skip_all, fields(user.id = %user_id))]
pub async fn get(db: &impl ConnectionTrait, user_id: UserId, id: i64) -> Result<Deletion, Error> {
    let found = Deletion::find(db, "user_id = $1 AND id = $2", [user_id.into(), id.into()]).await?;
    found.ok_or_else(|| {
        Error::Unavailable(DbErr::Custom("a receipt was purged just now".to_owned()))
    })
}

async fn find(
    tx: &Transaction,
    user_id: UserId,
    request: Option<&Request>,
) -> Result<Option<Deletion>, Error> {
    let Some(request) = request else { return Ok(None) };
    let values = [user_id.into(), uuid(request.id)];
    Deletion::find(tx, "user_id = $1 AND request_id = $2::uuid", values).await
}

/// The deletion that is under way of all that there is, where nothing was hidden after it.
async fn open(tx: &Transaction, user_id: UserId) -> Result<Option<Deletion>, Error> {
    let condition = "user_id = $1 AND due_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM idempotency_keys k
            WHERE k.user_id = $1 AND requested_at < k.created_at AND k.method <> $2
        )
        ORDER BY id DESC LIMIT 1";
    Deletion::find(tx, condition, [user_id.into(), METHOD.into()]).await
}

fn uuid(id: Uuid) -> sea_orm::Value {
    id.to_string().into()
}

/// The deletion that what goes of a user's is counted to: his first that is not complete.
pub(crate) async fn unfinished(tx: &Transaction, user_id: UserId) -> Result<Option<i64>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: i64,
    }

    let sql = "SELECT id FROM user_data_deletions
        WHERE user_id = $1 AND due_at IS NOT NULL ORDER BY id LIMIT 1";
    let values: [sea_orm::Value; 1] = [user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Row::find_by_statement(statement).one(tx).await?.map(|row| row.id))
}

/// Counts what goes in the same transaction.
pub(crate) async fn count(
    tx: &Transaction,
    deletion_id: i64,
    purged: &Purged,
) -> Result<(), Error> {
    let Purged { sessions, messages, embeddings, runs, results } = *purged;
    let sql = "UPDATE user_data_deletions SET sessions = sessions + $2, messages = messages + $3,
            embeddings = embeddings + $4, runs = runs + $5, results = results + $6
        WHERE id = $1";
    let values: [sea_orm::Value; 6] =
        [deletion_id, sessions, messages, embeddings, runs, results].map(Into::into);
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}
