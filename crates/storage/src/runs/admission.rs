//! Starting runs, and admitting them when their turn comes.

use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbBackend, ExprTrait as _, FromQueryResult as _,
    QuerySelect as _, SelectExt as _, Statement, entity::prelude::*, sea_query::LockType,
};

use super::WakeUp;
use crate::{
    AgentId, Error, SessionId, UserId,
    columns::columns,
    entity::{
        agent, chat_session,
        run::{self, ActiveModel, Model},
    },
    error, sessions,
};

/// The conversation that a question belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Conversation {
    /// A new one with this agent.
    New(AgentId),
    /// One that is there, with its agent: this one, if it is named.
    Existing(SessionId, Option<AgentId>),
}

/// A run that was stored, and whom to wake now: its worker if it was admitted at
/// once, since the session was idle.
#[derive(Clone, Debug)]
pub struct Started {
    pub run: Model,
    pub wake_up: Option<WakeUp>,
}

/// Stores a question as a run, and admits it at once if the session is idle.
#[tracing::instrument(name = "db.run.start", skip_all, fields(user.id = %user_id))]
pub async fn start(
    db: &DatabaseConnection,
    user_id: UserId,
    conversation: Conversation,
    question: String,
) -> Result<Started, Error> {
    let tx = crate::transaction(db).await?;
    let session = match conversation {
        Conversation::New(agent_id) => create(&tx, user_id, agent_id).await?,
        Conversation::Existing(id, agent_id) => reopen(&tx, user_id, id, agent_id).await?,
    };
    let run = ActiveModel {
        chat_session_id: Set(session.id),
        agent_id: Set(session.agent_id),
        user_id: Set(user_id),
        question: Set(question),
        ..Default::default()
    };
    let run = run.insert(&tx).await?;
    let admitted = admit(&tx, session.id).await?;
    tx.commit().await?;
    let wake_up = admitted.as_ref().and_then(WakeUp::of);
    let run = admitted.filter(|admitted| admitted.id == run.id).unwrap_or(run);
    Ok(Started { run, wake_up })
}

/// Admits the head of a session's queue, if no other run of it is going on.
#[tracing::instrument(name = "db.run.admit_next", skip_all, fields(session.id = %session_id))]
pub async fn admit_next(
    db: &DatabaseConnection,
    session_id: SessionId,
) -> Result<Option<WakeUp>, Error> {
    let tx = crate::transaction(db).await?;
    lock(&tx, session_id).await?;
    let admitted = admit(&tx, session_id).await?;
    tx.commit().await?;
    Ok(admitted.as_ref().and_then(WakeUp::of))
}

/// Locks a session's row, before any of its runs'.
pub(super) async fn lock(tx: &DatabaseTransaction, session_id: SessionId) -> Result<(), Error> {
    let values: [sea_orm::Value; 1] = [session_id.into()];
    let sql = "SELECT FROM chat_sessions WHERE id = $1 FOR NO KEY UPDATE";
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

/// The one function that admits a run: the head of the session's queue, if none
/// is admitted. Its question becomes the session's next message. The queue of a
/// deleted session stands still.
///
/// The session's row is locked by the caller. Times are read from the clock, not
/// from the transaction's start, which may lie before that of the message before.
pub(super) async fn admit(
    tx: &DatabaseTransaction,
    session_id: SessionId,
) -> Result<Option<Model>, Error> {
    let sql = format!(
        "WITH clock AS MATERIALIZED (SELECT clock_timestamp() AS now),
        head AS (
            SELECT id FROM runs
            WHERE chat_session_id = $1 AND admitted_at IS NULL AND ended_at IS NULL
                AND EXISTS (SELECT FROM chat_sessions WHERE id = $1 AND deleted_at IS NULL)
            ORDER BY id LIMIT 1
        ),
        admitted AS (
            UPDATE runs SET admitted_at = clock.now, updated_at = clock.now,
                publications = 1, wake_at = clock.now + interval '5 seconds'
            FROM clock, head
            WHERE runs.id = head.id AND NOT EXISTS (
                SELECT FROM runs
                WHERE chat_session_id = $1 AND admitted_at IS NOT NULL AND ended_at IS NULL
            )
            RETURNING {columns}
        ),
        session AS (
            UPDATE chat_sessions SET total_messages = total_messages + 1,
                last_activity = clock.now, updated_at = clock.now,
                last_message = left(admitted.question, 500)
            FROM clock, admitted
            WHERE chat_sessions.id = $1
            RETURNING total_messages
        ),
        message AS (
            INSERT INTO messages
                (chat_session_id, run_id, role, content, sequence_order, created_at)
            SELECT $1, admitted.id, 'user', admitted.question, session.total_messages, clock.now
            FROM clock, admitted, session
        )
        SELECT * FROM admitted",
        columns = columns::<run::Entity>("runs"),
    );
    let values: [sea_orm::Value; 1] = [session_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Model::find_by_statement(statement).one(tx).await?)
}

async fn create(
    tx: &DatabaseTransaction,
    user_id: UserId,
    agent_id: AgentId,
) -> Result<chat_session::Model, Error> {
    match sessions::insert(tx, user_id, agent_id, String::new()).await {
        // The owner is told that it was there once.
        Err(Error::NotFound(error::Entity::Agent)) => {
            let is_deleted = agent::Entity::find_by_id(agent_id)
                .filter(agent::COLUMN.user_id.eq(user_id))
                .exists(tx)
                .await?;
            Err(if is_deleted {
                Error::AgentDeleted
            } else {
                Error::NotFound(error::Entity::Agent)
            })
        }
        created => created,
    }
}

/// Locks a session that is to go on, and makes an archived one active.
async fn reopen(
    tx: &DatabaseTransaction,
    user_id: UserId,
    id: SessionId,
    agent_id: Option<AgentId>,
) -> Result<chat_session::Model, Error> {
    use chat_session::{COLUMN, Column, Entity, Status};

    let session = Entity::find_by_id(id)
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Column::DeletedAt.is_null())
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?
        .ok_or(Error::NotFound(error::Entity::Session))?;
    if agent_id.is_some_and(|it| it != session.agent_id) {
        return Err(Error::AgentMismatch);
    }
    let has_agent = agent::Entity::find_by_id(session.agent_id)
        .filter(agent::Column::DeletedAt.is_null())
        .exists(tx)
        .await?;
    if !has_agent {
        return Err(Error::AgentDeleted);
    }
    if session.status == Status::Archived {
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Active))
            .col_expr(Column::Etag, Expr::col(Column::Etag).add(1))
            .col_expr(Column::UpdatedAt, Expr::current_timestamp())
            .filter(COLUMN.id.eq(id))
            .exec(tx)
            .await?;
    }
    Ok(session)
}
