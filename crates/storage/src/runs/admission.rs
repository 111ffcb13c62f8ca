//! Starting runs, and admitting them when their turn comes.

mod conversation;

use std::time::Duration;

use sea_orm::{DbBackend, Statement};
use trace_context::TraceContext;

pub use conversation::Conversation;

use super::{
    Quotas, Signals, WakeUp,
    cancel::{Cause, cancel_all},
    locks, quota,
};
use crate::{
    Database, Error, RunId, SessionId, Transaction, UserId,
    columns::columns,
    entity::{
        chat_session,
        run::{self, Model},
    },
    idempotency::{self, Begun, Request},
    rows,
};

/// What to do with a question whose session has an unfinished run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// It waits for its turn, if not more than so many do.
    Enqueue {
        max_waiting: u32,
    },
    Reject,
    /// All that is unfinished is cancelled, and it is itself next.
    Interrupt,
}

/// A question, and how it is to be treated.
#[derive(Clone, Debug)]
pub struct Start {
    pub conversation: Conversation,
    pub question: String,
    pub concurrency: Concurrency,
    /// How long it may take until it has ended.
    pub deadline: Duration,
    pub quotas: Quotas,
    /// Where the trace of the call goes on that asks it.
    pub trace: Option<TraceContext>,
}

/// Stores a question as a run, and admits it at once if the session is idle.
#[tracing::instrument(name = "db.run.start", skip_all, fields(user.id = %user_id))]
pub async fn start(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    start: Start,
) -> Result<(Model, Signals), Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => {
            return Ok((super::follow(db, user_id, RunId(id)).await?, Signals::default()));
        }
    };
    let tx = effect.tx();
    let session = start.conversation.open(tx, user_id).await?;
    quota::check(tx, user_id, session.id, &start.quotas).await?;
    let mut signals = match start.concurrency {
        Concurrency::Interrupt => interrupt(tx, session.id).await?,
        Concurrency::Enqueue { .. } | Concurrency::Reject => Signals::default(),
    };
    let run = insert(tx, &session, &start).await?;
    let admitted = match run.admitted_at {
        Some(_) => Some(run.clone()),
        None => admit(tx, session.id).await?,
    };
    effect.commit(run.id.0).await?;
    signals.wake_up = admitted.as_ref().and_then(WakeUp::of);
    let run = admitted.filter(|admitted| admitted.id == run.id).unwrap_or(run);
    Ok((run, signals))
}

async fn interrupt(tx: &Transaction, session_id: SessionId) -> Result<Signals, Error> {
    cancel_all(tx, session_id, |run| match run.admitted_at {
        Some(_) => Cause::Interrupted,
        None => Cause::Superseded,
    })
    .await
}

/// Stores a run of a session that is locked, if its policy lets it in. Where nothing else is
/// unfinished, it is admitted at once.
async fn insert(
    tx: &Transaction,
    session: &chat_session::Model,
    start: &Start,
) -> Result<Model, Error> {
    let max_waiting = match start.concurrency {
        Concurrency::Enqueue { max_waiting } => i64::from(max_waiting),
        Concurrency::Reject => 0,
        Concurrency::Interrupt => i64::MAX,
    };
    let sql = format!(
        "WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
        place AS MATERIALIZED (
            SELECT NOT EXISTS (
                SELECT FROM runs WHERE chat_session_id = $1 AND ended_at IS NULL
            ) AS is_idle
        ),
        run AS (
            INSERT INTO runs (chat_session_id, agent_id, user_id, question, expires_at,
                traceparent, tracestate, admitted_at, publications, wake_at)
            SELECT $1, $2, $3, $4, clock.now + $5 * interval '1 second', $7, $8,
                CASE WHEN is_idle THEN clock.now END, is_idle::int,
                clock.now + least($5, CASE WHEN is_idle THEN 5 ELSE 60 END) * interval '1 second'
            FROM clock, place
            WHERE is_idle OR (
                SELECT count(*) FROM runs
                WHERE chat_session_id = $1 AND admitted_at IS NULL AND ended_at IS NULL
            ) < $6
            RETURNING {columns}
        ),
        admitted AS (SELECT * FROM run WHERE admitted_at IS NOT NULL),
        {CAPTURE}
        SELECT * FROM run",
        columns = columns::<run::Entity>("runs")
    );
    let trace = start.trace.as_ref();
    let values: [sea_orm::Value; 8] = [
        session.id.into(),
        session.agent_id.into(),
        session.user_id.into(),
        start.question.as_str().into(),
        start.deadline.as_secs_f64().into(),
        max_waiting.into(),
        trace.map(TraceContext::parent).into(),
        trace.and_then(TraceContext::state).into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    match rows::one::<Model>(tx, statement).await? {
        Some(run) => Ok(run),
        None => Err(refusal(tx, session.id, start.concurrency).await?),
    }
}

async fn refusal(
    tx: &Transaction,
    session_id: SessionId,
    concurrency: Concurrency,
) -> Result<Error, Error> {
    if let Concurrency::Enqueue { max_waiting } = concurrency {
        return Ok(Error::QueueFull { max_waiting });
    }
    let unfinished = locks::unfinished(tx, session_id).await?;
    let first = unfinished.iter().find(|run| run.admitted_at.is_some()).or(unfinished.first());
    let run_id = first.expect("a run is refused for another that is unfinished").id;
    Ok(Error::SessionBusy { run_id })
}

/// Admits the head of a session's queue, if no other run of it is going on.
#[tracing::instrument(name = "db.run.admit_next", skip_all, fields(session.id = %session_id))]
pub async fn admit_next(db: &Database, session_id: SessionId) -> Result<Option<WakeUp>, Error> {
    let tx = crate::transaction(db).await?;
    locks::session(&tx, session_id).await?;
    let admitted = admit(&tx, session_id).await?;
    tx.commit().await?;
    Ok(admitted.as_ref().and_then(WakeUp::of))
}

/// Makes the question of a run that is `admitted` its session's next message.
const CAPTURE: &str = "session AS (
            UPDATE chat_sessions SET total_messages = total_messages + 1,
                last_activity = clock.now, updated_at = clock.now,
                last_message = left(admitted.question, 500)
            FROM clock, admitted
            WHERE chat_sessions.id = $1
            RETURNING total_messages
        ),
        message AS (
            INSERT INTO messages
                (chat_session_id, user_id, run_id, role, content, cells, sequence_order,
                created_at)
            SELECT $1, admitted.user_id, admitted.id, 'user', admitted.question, 'none',
                session.total_messages, clock.now
            FROM clock, admitted, session
        )";

/// Admits a run that had to wait: the head of the session's queue, if none is
/// admitted. Its question becomes the session's next message. One whose time is
/// over is left to the sweep, and the queue of a deleted session stands still.
///
/// The session's row is locked by the caller. Times are read from the clock, not
/// from the transaction's start, which may lie before that of the message before.
pub(super) async fn admit(tx: &Transaction, session_id: SessionId) -> Result<Option<Model>, Error> {
    let sql = format!(
        "WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
        head AS (
            SELECT id FROM runs
            WHERE chat_session_id = $1 AND admitted_at IS NULL AND ended_at IS NULL
                AND (SELECT now FROM clock) < expires_at
                AND EXISTS (SELECT FROM chat_sessions WHERE id = $1 AND deleted_at IS NULL)
            ORDER BY id LIMIT 1
        ),
        admitted AS (
            UPDATE runs SET admitted_at = clock.now, updated_at = clock.now,
                publications = publications + 1,
                wake_at = least(clock.now + interval '5 seconds', expires_at)
            FROM clock, head
            WHERE runs.id = head.id AND NOT EXISTS (
                SELECT FROM runs
                WHERE chat_session_id = $1 AND admitted_at IS NOT NULL AND ended_at IS NULL
            )
            RETURNING {columns}
        ),
        {CAPTURE}
        SELECT * FROM admitted",
        columns = columns::<run::Entity>("runs"),
    );
    let values: [sea_orm::Value; 1] = [session_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(rows::one::<Model>(tx, statement).await?)
}
