//! Requests that may be sent again: each has one effect, whoever repeats it.

use std::time::Duration;

use sea_orm::{DbBackend, DbErr, FromQueryResult, Statement, entity::prelude::*};
use uuid::Uuid;

use crate::{Database, Error, Transaction, UserId};

/// A request that its sender has given an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub id: Uuid,
    /// What it asks for, for people who look at the table.
    pub method: &'static str,
    /// Of everything that it says. The first is stored; a repetition has it among
    /// its own.
    pub payload_hashes: Vec<Vec<u8>>,
}

/// What has become of a request so far.
pub(crate) enum Begun {
    /// Nothing: its effect goes into this transaction.
    First(Effect),
    /// It has had its effect, on the resource with this id.
    Repeated(i64),
}

/// The transaction that a request's effect goes into, together with its id.
pub(crate) struct Effect {
    tx: Transaction,
    key: Option<(UserId, Uuid)>,
}

/// Begins a request's effect. Of several that bear the same id at once, the others
/// wait here until the first has come to its end; the id is taken before any other
/// lock.
pub(crate) async fn begin(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
) -> Result<Begun, Error> {
    let tx = crate::transaction(db).await?;
    let Some(request) = request else { return Ok(Begun::First(Effect { tx, key: None })) };
    let sql = "INSERT INTO idempotency_keys (user_id, request_id, method, payload_hash)
        VALUES ($1, $2::uuid, $3, $4) ON CONFLICT DO NOTHING";
    let values: [sea_orm::Value; 4] = [
        user_id.into(),
        request.id.to_string().into(),
        request.method.into(),
        request.payload_hashes.first().expect("a request has at least one hash").clone().into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    if tx.execute_raw(statement).await?.rows_affected() == 1 {
        return Ok(Begun::First(Effect { tx, key: Some((user_id, request.id)) }));
    }
    match find(&tx, user_id, request).await? {
        Some(resource_id) => Ok(Begun::Repeated(resource_id)),
        None => Err(Error::Unavailable(DbErr::Custom("a request was purged just now".to_owned()))),
    }
}

/// Finds what a request had its effect on, if it is a repetition.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    user_id: UserId,
    request: &Request,
) -> Result<Option<i64>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        payload_hash: Vec<u8>,
        resource_id: i64,
    }

    let sql = "SELECT payload_hash, resource_id FROM idempotency_keys
        WHERE user_id = $1 AND request_id = $2::uuid";
    let values: [sea_orm::Value; 2] = [user_id.into(), request.id.to_string().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let Some(row) = Row::find_by_statement(statement).one(db).await? else { return Ok(None) };
    if request.payload_hashes.contains(&row.payload_hash) {
        Ok(Some(row.resource_id))
    } else {
        Err(Error::RequestIdReused)
    }
}

impl Effect {
    pub(crate) fn tx(&self) -> &Transaction {
        &self.tx
    }

    /// Commits, and notes for repetitions what the effect was on.
    pub(crate) async fn commit(self, resource_id: i64) -> Result<(), Error> {
        if let Some((user_id, request_id)) = self.key {
            let sql = "UPDATE idempotency_keys SET resource_id = $3
                WHERE user_id = $1 AND request_id = $2::uuid";
            let values: [sea_orm::Value; 3] =
                [user_id.into(), request_id.to_string().into(), resource_id.into()];
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            self.tx.execute_raw(statement).await?;
        }
        Ok(self.tx.commit().await?)
    }
}

/// Forgets up to `limit` requests that were kept for longer than `kept`, and says how
/// many. Of several callers each gets others. The hour more is for effects that took
/// their time.
#[tracing::instrument(name = "db.idempotency.purge", skip_all)]
pub async fn purge(db: &impl ConnectionTrait, kept: Duration, limit: i64) -> Result<u64, Error> {
    let sql = "WITH old AS MATERIALIZED (
            SELECT user_id, request_id FROM idempotency_keys
            WHERE created_at < now() - $2 * interval '1 second' - interval '1 hour'
            ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        DELETE FROM idempotency_keys USING old
        WHERE idempotency_keys.user_id = old.user_id
            AND idempotency_keys.request_id = old.request_id";
    let values: [sea_orm::Value; 2] = [limit.into(), kept.as_secs_f64().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected())
}
