//! Who may work on a run, and until when.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult as _, Statement, entity::prelude::*};

use crate::{
    Error, RunId,
    columns::columns,
    entity::run::{Entity, Model},
};

/// Claims a run for an attempt. `None` if there is nothing to do for now: it has
/// ended, it is not admitted, another worker's lease holds, or it backs off.
///
/// One conditional update decides, so of two workers that were woken for the same
/// run only one is granted it.
#[tracing::instrument(name = "db.run.claim", skip_all, fields(run.id = %id))]
pub async fn claim(
    db: &impl ConnectionTrait,
    id: RunId,
    lease: Duration,
) -> Result<Option<Model>, Error> {
    let sql = format!(
        "UPDATE runs SET state = 'running', fence = fence + 1, attempts = attempts + 1,
            lease_expires_at = now() + $2 * interval '1 second',
            wake_at = now() + $2 * interval '1 second',
            started_at = coalesce(started_at, now()), updated_at = now()
        WHERE id = $1 AND admitted_at IS NOT NULL AND ended_at IS NULL
            AND (lease_expires_at IS NULL OR lease_expires_at <= now())
        RETURNING {columns}",
        columns = columns::<Entity>("runs")
    );
    let values: [sea_orm::Value; 2] = [id.into(), lease.as_secs_f64().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Model::find_by_statement(statement).one(db).await?)
}

/// Prolongs a claim. False if it was lost.
#[tracing::instrument(name = "db.run.renew", skip_all, fields(run.id = %claimed.id))]
pub async fn renew(
    db: &impl ConnectionTrait,
    claimed: &Model,
    lease: Duration,
) -> Result<bool, Error> {
    hold(db, claimed, "running", lease).await
}

/// Gives a claimed run back for another attempt, `backoff` from now. False if the
/// claim was lost.
#[tracing::instrument(name = "db.run.release", skip_all, fields(run.id = %claimed.id))]
pub async fn release(
    db: &impl ConnectionTrait,
    claimed: &Model,
    backoff: Duration,
) -> Result<bool, Error> {
    hold(db, claimed, "queued", backoff).await
}

/// Keeps everybody else off the run for `duration`.
async fn hold(
    db: &impl ConnectionTrait,
    claimed: &Model,
    state: &str,
    duration: Duration,
) -> Result<bool, Error> {
    let sql = "
        UPDATE runs SET state = $3, updated_at = now(),
            lease_expires_at = now() + $4 * interval '1 second',
            wake_at = now() + $4 * interval '1 second'
        WHERE id = $1 AND fence = $2 AND state = 'running'";
    let values: [sea_orm::Value; 4] =
        [claimed.id.into(), claimed.fence.into(), state.into(), duration.as_secs_f64().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(db.execute_raw(statement).await?.rows_affected() == 1)
}
