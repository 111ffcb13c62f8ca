//! Ending runs.

use sea_orm::{DbBackend, DbErr, Statement};

use super::{Ending, Execution, Failure, Outcome, Usage, WakeUp, admission, locks};
use crate::{
    Database, Error, Transaction,
    columns::columns,
    entity::{
        message::{Cells, FinishReason, Metadata},
        run::{self, Model, State},
    },
    rows::{self, Columns, Ordered},
    summaries,
};

/// What came of trying to end a run.
#[derive(Debug)]
pub enum Ended {
    /// It has ended; this is the session's next run, if one waited for its turn.
    Done { next: Option<WakeUp> },
    /// Nothing has changed: its end was asked for, and it can end as cancelled only.
    Cancelling,
    /// Nothing has changed: the lease was lost.
    Lost,
}

/// Ends a run that is being worked on: in one transaction its state, the
/// assistant's message, the session's counters and the next admission.
///
/// `claimed` is the run as its claim returned it. Only the holder of the latest
/// claim can end a run, and only once.
#[tracing::instrument(name = "db.run.end", skip_all, fields(
    otel.kind = "client",
    db.system.name = "postgresql",
    db.operation.name = "UPDATE",
    db.collection.name = "runs",
    run.id = %claimed.id,
))]
pub async fn end(db: &Database, claimed: &Model, ending: Ending) -> Result<Ended, Error> {
    let tx = crate::transaction(db).await?;
    locks::session(&tx, claimed.chat_session_id).await?;
    let from = match ending.outcome {
        Outcome::Cancelled => State::Cancelling,
        Outcome::Succeeded | Outcome::Failed(_) | Outcome::Expired => State::Running,
    };
    let end = End::of_attempt(claimed.fence, ending);
    let Some(captured) = capture(&tx, claimed, from, end).await? else {
        let Some(run) = locks::find_run(&tx, claimed.id).await? else { return Ok(Ended::Lost) };
        return Ok(match run.state {
            _ if run.fence != claimed.fence => Ended::Lost,
            State::Cancelling => Ended::Cancelling,
            State::Queued | State::Running => Ended::Lost,
            // By us: the answer to an earlier commit was lost.
            State::Succeeded | State::Failed | State::Cancelled | State::Expired => {
                let unfinished = locks::unfinished(&tx, claimed.chat_session_id).await?;
                Ended::Done { next: unfinished.iter().find_map(WakeUp::of) }
            }
        });
    };
    let next = match captured.others_wait {
        true => admission::admit(&tx, claimed.chat_session_id).await?,
        false => None,
    };
    tx.commit().await?;
    Ok(Ended::Done { next: next.as_ref().and_then(WakeUp::of) })
}

/// How a run's row and its message look in the end.
pub(super) struct End {
    state: State,
    finish_reason: FinishReason,
    /// Empty: what the failure says.
    content: String,
    cells: Cells,
    sql: Option<String>,
    execution: Option<Execution>,
    usage: Option<Usage>,
    /// `None`: what the run says already.
    failure: Option<Failure>,
    fence: i64,
    last_event_id: i64,
}

impl End {
    fn of_attempt(fence: i64, ending: Ending) -> Self {
        let Ending { outcome, content, sql, execution, cells, usage, last_event_id } = ending;
        let (state, finish_reason, failure) = outcome.apart();
        Self {
            state,
            finish_reason,
            content,
            cells,
            sql,
            execution,
            usage,
            failure,
            fence,
            last_event_id,
        }
    }

    /// Of a run that nobody works on, or whose worker is gone. With a fence of its
    /// own, above whatever that worker may still write, and one event under it.
    pub(super) fn without_attempt(run: &Model, outcome: Outcome, why: Option<Failure>) -> Self {
        let (state, finish_reason, failure) = outcome.apart();
        let fence = run.fence + 1;
        Self {
            state,
            finish_reason,
            content: String::new(),
            cells: Cells::None,
            sql: None,
            execution: None,
            usage: None,
            failure: failure.or(why),
            fence,
            last_event_id: (fence << 32) + 1,
        }
    }

    /// The statement adds the run's own `error_reason`.
    fn metadata(&self) -> Metadata {
        let execution = self.execution.as_ref();
        Metadata {
            row_count: execution.map(|it| it.row_count),
            truncated: execution.map(|it| it.truncated_by.is_some()),
            total_rows: execution.and_then(|it| it.total_rows),
            execution_ms: execution.map(|it| it.milliseconds),
            error_reason: None,
        }
    }

    /// The statement that produced the answer, or what there is of one.
    fn answer_sql(&self) -> Option<String> {
        let is_answer = match self.state {
            State::Succeeded => true,
            State::Failed => false,
            State::Queued
            | State::Running
            | State::Cancelling
            | State::Cancelled
            | State::Expired => !self.content.is_empty(),
        };
        self.sql.clone().filter(|_| is_answer)
    }
}

/// A run that has ended.
pub(super) struct Captured {
    pub(super) run: Model,
    /// Whether other runs of its session wait for their turn.
    others_wait: bool,
}

impl Ordered for Captured {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self { run: Model::read(columns)?, others_wait: columns.next()? })
    }
}

/// The one function that ends a run, if it is as it was read and in the state
/// `from`. One that was admitted gets its assistant's message.
///
/// The session's row is locked by the caller.
pub(super) async fn capture(
    tx: &Transaction,
    run: &Model,
    from: State,
    end: End,
) -> Result<Option<Captured>, Error> {
    let sql = format!(
        "WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
        ended AS (
            UPDATE runs SET state = $4, ended_at = clock.now, updated_at = clock.now,
                wake_at = NULL, lease_expires_at = NULL, fence = $5, last_event_id = $6,
                cancel_requested_at = CASE WHEN $4 = 'cancelled'
                    THEN coalesce(cancel_requested_at, clock.now) END,
                sql_used = $7, execution_ms = $8, row_count = $9, truncated_by = $10,
                error_reason = coalesce($11, error_reason),
                error_message = coalesce($12, error_message),
                total_rows = $17, model = coalesce($18, model),
                prompt_tokens = prompt_tokens + $19, completion_tokens = completion_tokens + $20
            FROM clock
            WHERE id = $1 AND fence = $2 AND state = $3
            RETURNING {columns}
        ),
        session AS (
            UPDATE chat_sessions SET total_messages = total_messages + 1,
                last_activity = clock.now, updated_at = clock.now, last_message = left($13, 500)
            FROM clock, ended
            WHERE chat_sessions.id = ended.chat_session_id AND ended.admitted_at IS NOT NULL
            RETURNING total_messages, is_titled, summary_until_sequence
        ),
        message AS (
            INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sql_query,
                sequence_order, message_metadata, finish_reason, cells, created_at)
            SELECT ended.chat_session_id, ended.user_id, ended.id, 'assistant', $13, $14,
                session.total_messages,
                jsonb_strip_nulls(
                    $15::jsonb || jsonb_build_object('error_reason', ended.error_reason)
                ),
                $16, $21, clock.now
            FROM clock, ended, session
            RETURNING id
        ),
        result AS (
            INSERT INTO run_results (run_id, columns, rows, created_at)
            SELECT ended.id, $22, $23, clock.now FROM clock, ended WHERE $22 IS NOT NULL
        ),
        task AS (
            INSERT INTO background_tasks (kind, subject_id)
            SELECT 'embed', id FROM message
            UNION ALL
            SELECT 'embed', messages.id FROM messages, ended
            WHERE messages.run_id = ended.id AND messages.role = 'user'
            UNION ALL
            SELECT 'summarize', ended.chat_session_id FROM ended, session
            WHERE ended.state = 'succeeded' AND (NOT session.is_titled
                OR $24 < session.total_messages - session.summary_until_sequence)
            ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = now(), attempts = 0
        )
        SELECT *, EXISTS (
            SELECT FROM runs WHERE chat_session_id = ended.chat_session_id
                AND admitted_at IS NULL AND ended_at IS NULL AND runs.id <> ended.id
        )
        FROM ended",
        columns = columns::<run::Entity>("runs"),
    );
    let (content, answer_sql, metadata) = (content(&end, run), end.answer_sql(), end.metadata());
    let execution = end.execution.as_ref();
    let (columns, rows) = execution.map(|it| it.result.to_json()).unzip();
    let (reason, message) = end.failure.map(|it| (it.reason.to_owned(), it.message)).unzip();
    let [model, prompt_tokens, completion_tokens] = Usage::values(end.usage.as_ref());
    let values: [sea_orm::Value; 24] = [
        run.id.into(),
        run.fence.into(),
        from.into(),
        end.state.into(),
        end.fence.into(),
        end.last_event_id.into(),
        end.sql.into(),
        execution.map(|it| it.milliseconds).into(),
        execution.map(|it| it.row_count).into(),
        execution.and_then(|it| it.truncated_by).into(),
        reason.into(),
        message.into(),
        content.into(),
        answer_sql.into(),
        metadata.into(),
        end.finish_reason.into(),
        execution.and_then(|it| it.total_rows).into(),
        model,
        prompt_tokens,
        completion_tokens,
        end.cells.into(),
        columns.into(),
        rows.into(),
        summaries::UNSUMMED_MESSAGES.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(rows::one(tx, statement).await?)
}

/// What the assistant says: the answer, as much as there is of it, or plainly what
/// went wrong.
fn content(end: &End, run: &Model) -> String {
    if !end.content.is_empty() {
        return end.content.clone();
    }
    let failure = end.failure.as_ref().map(|failure| failure.message.as_str());
    let message = failure.or(run.error_message.as_deref()).unwrap_or_default();
    match end.state {
        State::Succeeded => String::new(),
        State::Cancelled => "The question was cancelled.".to_owned(),
        State::Queued | State::Running | State::Cancelling | State::Failed | State::Expired => {
            format!("The question could not be answered: {message}.")
        }
    }
}
