//! How many runs there are to be done, and for how long the oldest have waited.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::Error;

/// Runs that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Backlog {
    /// For their turn in their session.
    pub queued: Waiting,
    /// For a worker, that of a worker that has died included.
    pub claimable: Waiting,
    /// For another attempt, a while after one that has failed.
    pub backing_off: i64,
    /// They are a worker's.
    pub running: i64,
    /// They have to end, and are a worker's.
    pub cancelling: i64,
}

/// How many wait, and the oldest for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Waiting {
    pub runs: i64,
    pub oldest: Duration,
}

#[derive(FromQueryResult)]
struct Row {
    queued: i64,
    queued_for: f64,
    claimable: i64,
    claimable_for: f64,
    backing_off: i64,
    running: i64,
    cancelling: i64,
}

/// Looks at what is unfinished, and at nothing else.
pub fn backlog_statement() -> Statement {
    let sql = "
        WITH unfinished AS (
            SELECT created_at, greatest(updated_at, lease_expires_at) AS free_since, CASE
                WHEN admitted_at IS NULL THEN 'queued'
                WHEN state = 'cancelling' THEN 'cancelling'
                WHEN lease_expires_at IS NULL OR lease_expires_at <= now() THEN 'claimable'
                WHEN state = 'queued' THEN 'backing_off'
                ELSE 'running' END AS phase
            FROM runs WHERE ended_at IS NULL
        )
        SELECT count(*) FILTER (WHERE phase = 'queued') AS queued,
            coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE phase = 'queued')),
                0)::double precision AS queued_for,
            count(*) FILTER (WHERE phase = 'claimable') AS claimable,
            coalesce(extract(epoch FROM now() - min(free_since) FILTER (WHERE phase = 'claimable')),
                0)::double precision AS claimable_for,
            count(*) FILTER (WHERE phase = 'backing_off') AS backing_off,
            count(*) FILTER (WHERE phase = 'running') AS running,
            count(*) FILTER (WHERE phase = 'cancelling') AS cancelling
        FROM unfinished";
    Statement::from_string(DbBackend::Postgres, sql)
}

#[tracing::instrument(name = "db.run.backlog", skip_all)]
pub async fn backlog(db: &impl ConnectionTrait) -> Result<Backlog, Error> {
    let row = Row::find_by_statement(backlog_statement()).one(db).await?;
    let row = row.expect("a count is one row");
    Ok(Backlog {
        queued: waiting(row.queued, row.queued_for),
        claimable: waiting(row.claimable, row.claimable_for),
        backing_off: row.backing_off,
        running: row.running,
        cancelling: row.cancelling,
    })
}

fn waiting(runs: i64, seconds: f64) -> Waiting {
    Waiting { runs, oldest: Duration::try_from_secs_f64(seconds).unwrap_or_default() }
}
