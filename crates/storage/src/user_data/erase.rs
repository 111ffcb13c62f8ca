//! What there is to do once a deletion is stored.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use super::{Deletion, METHOD};
use crate::{
    Database, Error, RunId, SessionId,
    retention::piece,
    runs::{self, Signals},
};

/// How many sessions have their runs cancelled at a time.
const SESSIONS: i64 = 100;
/// How many runs have their events purged at a time.
const EVENTS: i64 = 100;

/// Takes deletions that are not complete and that someone must go on with, and puts off the
/// next time. Of several callers each gets others. Of a user's there is one at a time, the
/// first: however many there are, others do not wait for them. The `OFFSET` has Postgres ask for
/// each by the index, also where it last saw none that was due.
#[tracing::instrument(name = "db.user_data.take_unfinished", skip_all)]
pub async fn take_unfinished(
    db: &impl ConnectionTrait,
    limit: i64,
) -> Result<Vec<Deletion>, Error> {
    let sql = format!(
        "UPDATE user_data_deletions SET due_at = now() + interval '2 seconds' WHERE id IN (
            SELECT d.id FROM user_data_deletions d
            WHERE d.due_at <= now() AND NOT EXISTS (
                SELECT FROM user_data_deletions before
                WHERE before.user_id = d.user_id AND before.id < d.id
                    AND before.due_at IS NOT NULL
                OFFSET 0
            )
            ORDER BY d.due_at LIMIT $1 FOR NO KEY UPDATE OF d SKIP LOCKED
        )
        RETURNING {}",
        Deletion::COLUMNS
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()]);
    Ok(Deletion::find_by_statement(statement).all(db).await?)
}

/// What has come of cancelling.
#[derive(Debug, Default)]
pub struct Cancelled {
    /// What is to be published in any case.
    pub signals: Signals,
    /// Why some were left as they were.
    pub failed: Option<Error>,
}

impl Cancelled {
    /// Nothing was cancelled.
    pub fn failed(error: Error) -> Self {
        Self { failed: Some(error), ..Self::default() }
    }
}

/// Cancels what is unfinished of the hidden sessions, as far as nobody has yet: of some of
/// them at a time.
#[tracing::instrument(name = "db.user_data.cancel_runs", skip_all, fields(deletion.id = deletion.id))]
pub async fn cancel_runs(db: &Database, deletion: &Deletion) -> Result<Cancelled, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: SessionId,
    }

    let sql = "SELECT DISTINCT s.id FROM runs r JOIN chat_sessions s ON s.id = r.chat_session_id
        WHERE r.user_id = $1 AND r.state IN ('queued', 'running')
            AND s.user_id = $1 AND s.purge_at <= $2
        LIMIT $3";
    let values: [sea_orm::Value; 3] =
        [deletion.user_id.into(), deletion.requested_at.into(), SESSIONS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let mut cancelled = Cancelled::default();
    for Row { id } in Row::find_by_statement(statement).all(db).await? {
        match runs::cancel_deleted(db, id).await {
            Ok(signals) => cancelled.signals.extend(signals),
            Err(error) => cancelled.failed = Some(error),
        }
    }
    Ok(cancelled)
}

/// Purges up to `limit` of each: agents without sessions, data sources without agents and
/// tables, ids of requests. Says how many rows that were.
#[tracing::instrument(name = "db.user_data.purge_rest", skip_all, fields(deletion.id = deletion.id))]
pub async fn purge_rest(db: &Database, deletion: &Deletion, limit: i64) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        purged: i64,
    }

    let values: [sea_orm::Value; 5] = [
        deletion.id.into(),
        deletion.user_id.into(),
        deletion.requested_at.into(),
        limit.into(),
        METHOD.into(),
    ];
    let tx = piece(db).await?;
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, PURGE_REST, values);
    let row = Row::find_by_statement(statement).one(&tx).await?;
    tx.commit().await?;
    Ok(row.expect("an UPDATE of a row that is there returns it").purged)
}

/// The id of the deletion's own request stays: whoever repeats it is to get the receipt.
const PURGE_REST: &str = "
    WITH old_agents AS (
        DELETE FROM agents WHERE id IN (
            SELECT a.id FROM agents a
            WHERE a.user_id = $2 AND a.deleted_at <= $3
                AND NOT EXISTS (SELECT FROM chat_sessions s WHERE s.agent_id = a.id)
            LIMIT $4 FOR UPDATE SKIP LOCKED
        )
        RETURNING id
    ),
    old_sources AS (
        DELETE FROM data_sources WHERE id IN (
            SELECT d.id FROM data_sources d
            WHERE d.user_id = $2 AND d.deleted_at <= $3 AND d.drop_at IS NULL
                AND NOT EXISTS (SELECT FROM agents a WHERE a.data_source_id = d.id)
            LIMIT $4 FOR UPDATE SKIP LOCKED
        )
        RETURNING id
    ),
    old_requests AS (
        DELETE FROM idempotency_keys
        WHERE user_id = $2 AND request_id IN (
            SELECT request_id FROM idempotency_keys
            WHERE user_id = $2 AND created_at <= $3 AND method <> $5
            LIMIT $4 FOR UPDATE SKIP LOCKED
        )
        RETURNING request_id
    ),
    purged AS (
        SELECT (SELECT count(*) FROM old_agents) AS agents,
            (SELECT count(*) FROM old_sources) AS data_sources,
            (SELECT count(*) FROM old_requests) AS request_ids
    )
    UPDATE user_data_deletions d SET agents = d.agents + purged.agents,
        data_sources = d.data_sources + purged.data_sources,
        request_ids = d.request_ids + purged.request_ids
    FROM purged WHERE d.id = $1
    RETURNING purged.agents + purged.data_sources + purged.request_ids AS purged";

/// Lists some of the runs whose events are still to be purged from the log. Those that the
/// log has forgotten by itself are no longer among them.
#[tracing::instrument(name = "db.user_data.runs_with_events", skip_all, fields(deletion.id = deletion.id))]
pub async fn runs_with_events(
    db: &impl ConnectionTrait,
    deletion: &Deletion,
) -> Result<Vec<RunId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        run_id: RunId,
    }

    let expired = "DELETE FROM run_event_purges WHERE deletion_id = $1 AND expires_at <= now()";
    let values: [sea_orm::Value; 1] = [deletion.id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, expired, values);
    db.execute_raw(statement).await?;
    let sql = "SELECT run_id FROM run_event_purges WHERE deletion_id = $1 LIMIT $2";
    let values: [sea_orm::Value; 2] = [deletion.id.into(), EVENTS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.run_id).collect())
}

/// Notes that the log holds no events of these runs any more.
#[tracing::instrument(name = "db.user_data.forget_events", skip_all)]
pub async fn forget_events(db: &impl ConnectionTrait, ids: &[RunId]) -> Result<(), Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = "DELETE FROM run_event_purges WHERE run_id = ANY($1)";
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()])).await?;
    Ok(())
}

/// Notes that a deletion is complete, if nothing is left of what was there, and with it those
/// that the user has asked for since and that are complete, too. None is before one that was
/// asked for earlier, which what goes is counted to. Lists those that are complete now.
#[tracing::instrument(name = "db.user_data.complete", skip_all, fields(deletion.id = deletion.id))]
pub async fn complete(
    db: &impl ConnectionTrait,
    deletion: &Deletion,
) -> Result<Vec<Deletion>, Error> {
    let sql = format!(
        "UPDATE user_data_deletions d SET completed_at = now(), due_at = NULL
        WHERE user_id = $2 AND $1 <= id AND due_at IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM user_data_deletions
                WHERE user_id = $2 AND id < $1 AND due_at IS NOT NULL
            )
            AND NOT EXISTS (
                SELECT FROM chat_sessions WHERE user_id = $2 AND purge_at <= d.requested_at
            )
            AND NOT EXISTS (
                SELECT FROM agents WHERE user_id = $2 AND deleted_at <= d.requested_at
            )
            AND NOT EXISTS (
                SELECT FROM data_sources WHERE user_id = $2 AND deleted_at <= d.requested_at
            )
            AND NOT EXISTS (
                SELECT FROM idempotency_keys
                WHERE user_id = $2 AND created_at <= d.requested_at AND method <> $3
            )
            AND NOT EXISTS (
                SELECT FROM run_event_purges purge
                JOIN user_data_deletions of ON of.id = purge.deletion_id
                WHERE of.user_id = $2
            )
        RETURNING {}",
        Deletion::COLUMNS
    );
    let values: [sea_orm::Value; 3] = [deletion.id.into(), deletion.user_id.into(), METHOD.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Deletion::find_by_statement(statement).all(db).await?)
}
