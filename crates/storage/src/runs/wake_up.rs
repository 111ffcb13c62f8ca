//! When someone must look at a run. The run's row is its own outbox: what is due
//! there is published, however often the queue loses it.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::{Error, RunId, SessionId, entity::run};

/// When to look again: later each time that a wake-up was published and nobody
/// acted on it, for a long queue is no reason to fill it further. The queue of a
/// deleted session stands still.
const NEXT_LOOK: &str = "CASE WHEN admitted_at IS NULL
    THEN greatest(
        now() + interval '1 minute',
        (SELECT purge_at FROM chat_sessions WHERE chat_sessions.id = runs.chat_session_id)
    )
    ELSE now() + least(5 * 2 ^ least(publications, 10), 60) * interval '1 second' END";

/// A message to publish: someone should look at this run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WakeUp {
    pub run_id: RunId,
    /// Rises with each message for the run, so that none is taken for a repetition.
    pub publication: i64,
}

impl WakeUp {
    /// The wake-up of a run that was just admitted; `None` if it was not.
    pub fn of(run: &run::Model) -> Option<Self> {
        run.admitted_at.map(|_| Self { run_id: run.id, publication: run.publications })
    }
}

/// What is due about a run.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// A worker has to be woken.
    Publish(WakeUp),
    /// It still waits for its turn: its session's queue has to be looked at.
    Admit(SessionId),
}

/// Takes up to `limit` runs that someone must look at, and puts off their next
/// time. Of several callers each gets others.
#[tracing::instrument(name = "db.run.take_due", skip_all)]
pub async fn take_due(db: &impl ConnectionTrait, limit: i64) -> Result<Vec<Due>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: RunId,
        publications: i64,
        chat_session_id: SessionId,
        is_admitted: bool,
    }

    let sql = format!(
        "WITH due AS (
            SELECT id FROM runs WHERE wake_at <= now()
            ORDER BY wake_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
        )
        UPDATE runs SET wake_at = {NEXT_LOOK},
            publications = publications + (admitted_at IS NOT NULL)::int
        FROM due WHERE runs.id = due.id
        RETURNING runs.id, publications, chat_session_id, admitted_at IS NOT NULL AS is_admitted"
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()]);
    let rows = Row::find_by_statement(statement).all(db).await?;
    let due = rows.into_iter().map(|row| match row.is_admitted {
        true => Due::Publish(WakeUp { run_id: row.id, publication: row.publications }),
        false => Due::Admit(row.chat_session_id),
    });
    Ok(due.collect())
}

/// Makes a wake-up due again soon that could not be published.
#[tracing::instrument(name = "db.run.publish_again", skip_all, fields(run.id = %wake_up.run_id))]
pub async fn publish_again(db: &impl ConnectionTrait, wake_up: WakeUp) -> Result<(), Error> {
    let sql = "UPDATE runs SET wake_at = now() + interval '1 second'
        WHERE id = $1 AND publications = $2 AND ended_at IS NULL
            AND (lease_expires_at IS NULL OR lease_expires_at <= now())";
    let values: [sea_orm::Value; 2] = [wake_up.run_id.into(), wake_up.publication.into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}
