//! Ending runs.

use sea_orm::{DbBackend, Statement, entity::prelude::*};
use serde_json::json;

use super::{WakeUp, admission};
use crate::{
    Error,
    entity::{
        message::FinishReason,
        run::{Model, State},
    },
};

/// What a run ended with.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What the assistant says: the answer, or plainly what went wrong.
    pub content: String,
    /// The statement that was sent to the data source, if one was.
    pub sql: Option<String>,
    /// What the statement took, if it came to its end.
    pub execution: Option<Execution>,
    /// Set if the run failed.
    pub failure: Option<Failure>,
}

/// What a statement took.
#[derive(Clone, Copy, Debug)]
pub struct Execution {
    pub milliseconds: i64,
    pub row_count: i64,
    pub truncated: bool,
}

/// Why a run failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// For programs, UPPER_SNAKE_CASE.
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// What came of trying to end a run.
#[derive(Debug)]
pub enum Ended {
    /// It has ended; this is the session's next run, if one waited for its turn.
    Done { next: Option<WakeUp> },
    /// The lease was lost, and nothing has changed.
    Lost,
}

/// The one function that ends a run: in one transaction its state, the
/// assistant's message, the session's counters and the next admission.
///
/// `claimed` is the run as its claim returned it. Only the holder of the latest
/// claim can end a run, and only once.
#[tracing::instrument(name = "db.run.end", skip_all, fields(run.id = %claimed.id))]
pub async fn end(db: &DatabaseConnection, claimed: &Model, ending: Ending) -> Result<Ended, Error> {
    let tx = crate::transaction(db).await?;
    admission::lock(&tx, claimed.chat_session_id).await?;
    let ended = tx.execute_raw(capture(claimed, ending)).await?;
    if ended.rows_affected() == 0 {
        return Ok(Ended::Lost);
    }
    let next = admission::admit(&tx, claimed.chat_session_id).await?;
    tx.commit().await?;
    Ok(Ended::Done { next: next.as_ref().and_then(WakeUp::of) })
}

fn capture(claimed: &Model, ending: Ending) -> Statement {
    let (state, finish_reason) = match ending.failure {
        None => (State::Succeeded, FinishReason::Stop),
        Some(_) => (State::Failed, FinishReason::Error),
    };
    let metadata = metadata(&ending);
    let Ending { content, sql, execution, failure } = ending;
    let (reason, message) =
        failure.map(|failure| (failure.reason.to_owned(), failure.message)).unzip();
    let (milliseconds, row_count) = execution.map(|it| (it.milliseconds, it.row_count)).unzip();
    let truncated = execution.is_some_and(|it| it.truncated);
    let values: [sea_orm::Value; 13] = [
        claimed.id.into(),
        claimed.fence.into(),
        claimed.chat_session_id.into(),
        state.into(),
        sql.into(),
        milliseconds.into(),
        row_count.into(),
        truncated.into(),
        reason.into(),
        message.into(),
        content.into(),
        metadata.into(),
        finish_reason.into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, CAPTURE, values)
}

const CAPTURE: &str = "
    WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
    ended AS (
        UPDATE runs SET state = $4, ended_at = clock.now, updated_at = clock.now,
            wake_at = NULL, lease_expires_at = NULL, sql_used = $5, execution_ms = $6,
            row_count = $7, truncated = $8, error_reason = $9, error_message = $10
        FROM clock
        WHERE id = $1 AND fence = $2 AND state = 'running'
        RETURNING id
    ),
    session AS (
        UPDATE chat_sessions SET total_messages = total_messages + 1,
            last_activity = clock.now, updated_at = clock.now, last_message = left($11, 500)
        FROM clock, ended
        WHERE chat_sessions.id = $3
        RETURNING total_messages
    )
    INSERT INTO messages (chat_session_id, run_id, role, content, sql_query, sequence_order,
        message_metadata, finish_reason, created_at)
    SELECT $3, ended.id, 'assistant', $11, CASE WHEN $13 = 'stop' THEN $5 END,
        session.total_messages, $12, $13, clock.now
    FROM clock, ended, session";

fn metadata(ending: &Ending) -> serde_json::Value {
    let mut metadata = serde_json::Map::new();
    if let Some(execution) = &ending.execution {
        metadata.insert("row_count".to_owned(), json!(execution.row_count));
        metadata.insert("truncated".to_owned(), json!(execution.truncated));
        metadata.insert("execution_ms".to_owned(), json!(execution.milliseconds));
    }
    if let Some(failure) = &ending.failure {
        metadata.insert("error_reason".to_owned(), json!(failure.reason));
    }
    metadata.into()
}
