//! The conversation that a question begins or goes on with.

use std::sync::LazyLock;

use sea_orm::{DbBackend, DbErr, ExprTrait as _, SelectExt as _, Statement, entity::prelude::*};

use crate::{
    AgentId, Error, SessionId, Transaction, UserId,
    columns::columns,
    entity::{
        agent,
        chat_session::{COLUMN, Column, Entity, Model, Status},
    },
    error,
    rows::{self, Columns, Ordered},
    sessions,
};

/// The conversation that a question belongs to.
#[derive(Clone, Copy, Debug)]
pub enum Conversation {
    /// A new one with this agent.
    New(AgentId),
    /// One that is there, with its agent: this one, if it is named.
    Existing(SessionId, Option<AgentId>),
}

impl Conversation {
    /// Its session, locked.
    pub(super) async fn open(self, tx: &Transaction, user_id: UserId) -> Result<Model, Error> {
        match self {
            Self::New(agent_id) => create(tx, user_id, agent_id).await,
            Self::Existing(id, agent_id) => reopen(tx, user_id, id, agent_id).await,
        }
    }
}

async fn create(tx: &Transaction, user_id: UserId, agent_id: AgentId) -> Result<Model, Error> {
    match sessions::create(tx, user_id, agent_id, String::new()).await {
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

/// Locks a session that is to go on, and makes an archived one active. An agent that is deleted
/// while this waits for the lock counts as deleted after.
async fn reopen(
    tx: &Transaction,
    user_id: UserId,
    id: SessionId,
    agent_id: Option<AgentId>,
) -> Result<Model, Error> {
    struct Row {
        session: Model,
        has_agent: bool,
    }

    impl Ordered for Row {
        fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
            Ok(Self { session: Model::read(columns)?, has_agent: columns.next()? })
        }
    }

    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {columns}, EXISTS (
                SELECT FROM agents WHERE id = s.agent_id AND deleted_at IS NULL
            )
            FROM chat_sessions s WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL
            FOR NO KEY UPDATE",
            columns = columns::<Entity>("s")
        )
    });

    let values: [sea_orm::Value; 2] = [id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SQL.as_str(), values);
    let row = rows::one::<Row>(tx, statement).await?;
    let Row { session, has_agent } = row.ok_or(Error::NotFound(error::Entity::Session))?;
    if agent_id.is_some_and(|it| it != session.agent_id) {
        return Err(Error::AgentMismatch);
    }
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
