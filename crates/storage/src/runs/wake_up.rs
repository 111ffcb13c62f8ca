//! When someone must look at a run. The run's row is its own outbox: what is due
//! there is published, however often the queue loses it.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};
use trace_context::TraceContext;

use super::{MAX_ATTEMPTS, UNFINISHED};
use crate::{Error, RunId, SessionId, entity::run};

/// When to look again: later each time that a wake-up was published and nobody
/// acted on it, for a long queue is no reason to fill it further.
const NEXT_LOOK: &str = "CASE due.kind
    WHEN 'end' THEN now() + interval '1 second'
    WHEN 'cancel' THEN least(now() + interval '2 seconds', lease_expires_at)
    WHEN 'admit' THEN least(now() + interval '1 minute', expires_at)
    WHEN 'publish' THEN least(
        now() + least(5 * 2 ^ least(publications, 10), 60) * interval '1 second', expires_at
    ) END";

/// A message to publish: someone should look at this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WakeUp {
    pub run_id: RunId,
    /// Rises with each message for the run, so that none is taken for a repetition.
    pub publication: i64,
    /// The run's.
    pub trace: Option<TraceContext>,
}

impl WakeUp {
    /// The wake-up of a run that was just admitted; `None` if it was not.
    pub fn of(run: &run::Model) -> Option<Self> {
        run.admitted_at.map(|_| Self {
            run_id: run.id,
            publication: run.publications,
            trace: run.trace(),
        })
    }
}

/// What is due about a run, for others to do something about it.
#[derive(Clone, Debug)]
pub enum Due {
    /// A worker has to be woken.
    Publish(WakeUp),
    /// It still waits for its turn: its session's queue has to be looked at.
    Admit(SessionId),
    /// Its worker has to be told to stop it.
    Cancel(RunId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
enum Kind {
    #[sea_orm(string_value = "publish")]
    Publish,
    #[sea_orm(string_value = "admit")]
    Admit,
    #[sea_orm(string_value = "cancel")]
    Cancel,
    #[sea_orm(string_value = "end")]
    End,
}

#[derive(FromQueryResult)]
struct Row {
    id: RunId,
    publications: i64,
    session_id: SessionId,
    kind: Kind,
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl Row {
    fn into_due(self) -> Option<Due> {
        match self.kind {
            Kind::Publish => Some(Due::Publish(WakeUp {
                run_id: self.id,
                publication: self.publications,
                trace: self
                    .traceparent
                    .and_then(|parent| TraceContext::parse(&parent, self.tracestate.as_deref())),
            })),
            Kind::Admit => Some(Due::Admit(self.session_id)),
            Kind::Cancel => Some(Due::Cancel(self.id)),
            Kind::End => None,
        }
    }
}

/// Takes up to `limit` runs about which someone must do something, and puts off
/// their next time. Of several callers each gets others.
#[tracing::instrument(name = "db.run.take_due", skip_all)]
pub async fn take_due(db: &impl ConnectionTrait, limit: i64) -> Result<Vec<Due>, Error> {
    let rows = take(db, "<> 'end'", limit).await?;
    Ok(rows.into_iter().filter_map(Row::into_due).collect())
}

/// Takes up to `limit` runs that nobody works on and nobody should any more, and
/// puts off their next time. Says in which sessions they are. Of several callers each
/// gets others.
#[tracing::instrument(name = "db.run.take_overdue", skip_all)]
pub async fn take_overdue(db: &impl ConnectionTrait, limit: i64) -> Result<Vec<SessionId>, Error> {
    let rows = take(db, "= 'end'", limit).await?;
    Ok(rows.into_iter().map(|row| row.session_id).collect())
}

async fn take(db: &impl ConnectionTrait, kinds: &str, limit: i64) -> Result<Vec<Row>, Error> {
    let sql = format!(
        "WITH due AS (
            SELECT id, kind FROM runs, LATERAL (SELECT CASE
                WHEN (state = 'queued' OR lease_expires_at <= now())
                    AND (state = 'cancelling' OR expires_at <= now() OR $2 <= attempts) THEN 'end'
                WHEN state = 'cancelling' THEN 'cancel'
                WHEN admitted_at IS NULL THEN 'admit'
                ELSE 'publish' END AS kind) AS kinds
            WHERE wake_at <= now() AND kind {kinds}
            ORDER BY wake_at LIMIT $1 FOR NO KEY UPDATE OF runs SKIP LOCKED
        )
        UPDATE runs SET wake_at = {NEXT_LOOK},
            publications = publications + (due.kind = 'publish')::int
        FROM due WHERE runs.id = due.id
        RETURNING runs.id, publications, chat_session_id AS session_id, due.kind,
            traceparent, tracestate"
    );
    let values: [sea_orm::Value; 2] = [limit.into(), MAX_ATTEMPTS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Row::find_by_statement(statement).all(db).await?)
}

/// Makes a wake-up due again soon that could not be published.
#[tracing::instrument(name = "db.run.publish_again", skip_all, fields(run.id = %wake_up.run_id))]
pub async fn publish_again(db: &impl ConnectionTrait, wake_up: &WakeUp) -> Result<(), Error> {
    let sql = format!(
        "UPDATE runs SET wake_at = now() + interval '1 second'
        WHERE id = $1 AND publications = $2 AND {UNFINISHED}
            AND (lease_expires_at IS NULL OR lease_expires_at <= now())"
    );
    let values: [sea_orm::Value; 2] = [wake_up.run_id.into(), wake_up.publication.into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}
