//! Who may work on a run, and until when.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use super::{MAX_ATTEMPTS, Usage, WakeUp};
use crate::{
    Error, RunId,
    columns::columns,
    entity::run::{Entity, Model, State},
    rows,
};

/// A lease lasts at most so long beyond the run's deadline, which is enough to
/// store the end.
const GRACE: &str = "interval '5 seconds'";

/// For how long a claim holds.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Without a sign of life.
    pub lease: Duration,
    /// From the first claim of the run to its end.
    pub execution: Duration,
}

/// What has become of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It holds.
    Held,
    /// It holds, but the run's end was asked for.
    Cancelling,
    Lost,
}

/// Claims a run for an attempt. `None` if there is nothing to do for now: it has
/// ended or is about to, it is not admitted, another worker's lease holds, or it
/// backs off.
///
/// One conditional update decides, so of two workers that were woken for the same
/// run only one is granted it.
#[tracing::instrument(name = "db.run.claim", skip_all, fields(run.id = %id))]
pub async fn claim(
    db: &impl ConnectionTrait,
    id: RunId,
    terms: Terms,
) -> Result<Option<Model>, Error> {
    let sql = format!(
        "WITH due AS (
            SELECT id AS due_id, CASE WHEN started_at IS NULL
                THEN least(expires_at, now() + $3 * interval '1 second') ELSE expires_at END AS ends
            FROM runs
            WHERE id = $1 AND admitted_at IS NOT NULL AND state IN ('queued', 'running')
                AND (lease_expires_at IS NULL OR lease_expires_at <= now())
                AND attempts < $4 AND now() < expires_at
            FOR NO KEY UPDATE
        )
        UPDATE runs SET state = 'running', fence = fence + 1, attempts = attempts + 1,
            lease_expires_at = least(now() + $2 * interval '1 second', ends + {GRACE}),
            wake_at = least(now() + $2 * interval '1 second', ends + {GRACE}),
            expires_at = ends, started_at = coalesce(started_at, now()), updated_at = now()
        FROM due WHERE id = due_id
        RETURNING {columns}",
        columns = columns::<Entity>("runs")
    );
    let values: [sea_orm::Value; 4] = [
        id.into(),
        terms.lease.as_secs_f64().into(),
        terms.execution.as_secs_f64().into(),
        MAX_ATTEMPTS.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(rows::one::<Model>(db, statement).await?)
}

/// Prolongs a claim, and says what has become of it.
#[tracing::instrument(name = "db.run.renew", skip_all, fields(run.id = %claimed.id))]
pub async fn renew(
    db: &impl ConnectionTrait,
    claimed: &Model,
    lease: Duration,
) -> Result<Claim, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        state: State,
    }

    let sql = format!(
        "UPDATE runs SET
            lease_expires_at = least(now() + $3 * interval '1 second', expires_at + {GRACE}),
            wake_at = least(now() + $3 * interval '1 second', expires_at + {GRACE}),
            updated_at = now()
        WHERE id = $1 AND fence = $2 AND state IN ('running', 'cancelling')
        RETURNING state"
    );
    let values: [sea_orm::Value; 3] =
        [claimed.id.into(), claimed.fence.into(), lease.as_secs_f64().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = Row::find_by_statement(statement).one(db).await?;
    Ok(match row.map(|row| row.state) {
        Some(State::Cancelling) => Claim::Cancelling,
        Some(_) => Claim::Held,
        None => Claim::Lost,
    })
}

/// Gives a claimed run back for another attempt, `backoff` from now. Says what had
/// become of the claim: unless it held, nothing has changed.
#[tracing::instrument(name = "db.run.release", skip_all, fields(run.id = %claimed.id))]
pub async fn release(
    db: &impl ConnectionTrait,
    claimed: &Model,
    backoff: Duration,
    usage: Option<&Usage>,
) -> Result<Claim, Error> {
    let sql = "
        UPDATE runs SET state = 'queued', updated_at = now(),
            lease_expires_at = now() + $3 * interval '1 second',
            wake_at = least(now() + $3 * interval '1 second', expires_at),
            model = coalesce($4, model),
            prompt_tokens = prompt_tokens + $5, completion_tokens = completion_tokens + $6
        WHERE id = $1 AND fence = $2 AND state = 'running'";
    let [model, prompt_tokens, completion_tokens] = Usage::values(usage);
    let values: [sea_orm::Value; 6] = [
        claimed.id.into(),
        claimed.fence.into(),
        backoff.as_secs_f64().into(),
        model,
        prompt_tokens,
        completion_tokens,
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    match db.execute_raw(statement).await?.rows_affected() {
        0 => Ok(look(db, claimed).await?),
        _ => Ok(Claim::Held),
    }
}

/// Gives a claimed run to whichever worker is woken next, as if this attempt had
/// not been. Says what had become of the claim: unless it held, nothing has changed.
#[tracing::instrument(name = "db.run.hand_over", skip_all, fields(run.id = %claimed.id))]
pub async fn hand_over(
    db: &impl ConnectionTrait,
    claimed: &Model,
    usage: Option<&Usage>,
) -> Result<(Claim, Option<WakeUp>), Error> {
    let sql = format!(
        "UPDATE runs SET state = 'queued', attempts = attempts - 1, lease_expires_at = NULL,
            publications = publications + 1, updated_at = now(),
            wake_at = least(now() + interval '5 seconds', expires_at),
            model = coalesce($3, model),
            prompt_tokens = prompt_tokens + $4, completion_tokens = completion_tokens + $5
        WHERE id = $1 AND fence = $2 AND state = 'running'
        RETURNING {columns}",
        columns = columns::<Entity>("runs")
    );
    let [model, prompt_tokens, completion_tokens] = Usage::values(usage);
    let values: [sea_orm::Value; 5] =
        [claimed.id.into(), claimed.fence.into(), model, prompt_tokens, completion_tokens];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    match rows::one::<Model>(db, statement).await? {
        Some(run) => Ok((Claim::Held, WakeUp::of(&run))),
        None => Ok((look(db, claimed).await?, None)),
    }
}

async fn look(db: &impl ConnectionTrait, claimed: &Model) -> Result<Claim, Error> {
    let run = Entity::find_by_id(claimed.id).one(db).await?;
    let run = run.filter(|run| run.fence == claimed.fence);
    Ok(match run.map(|run| run.state) {
        Some(State::Running) => Claim::Held,
        Some(State::Cancelling) => Claim::Cancelling,
        _ => Claim::Lost,
    })
}
