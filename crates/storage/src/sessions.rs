//! Sessions.

mod list;

use std::sync::LazyLock;

use sea_orm::{DbBackend, ExprTrait as _, Statement, UpdateMany, entity::prelude::*};

use crate::{
    AgentId, Database, Error, SessionId, UserId,
    columns::columns,
    embeddings,
    entity::chat_session::{COLUMN, Column, Entity, Model, Status},
    error,
    idempotency::{self, Begun, Request},
    rows,
    runs::{self, Cause, Signals},
};

pub use list::{Filter, Position, list_after, list_from};

/// How long a deleted session can be brought back.
const UNDELETE_WINDOW: &str = "30 days";

/// What to change about a session.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub title: Option<String>,
    pub status: Option<Status>,
}

const NOT_FOUND: Error = Error::NotFound(error::Entity::Session);

/// Creates a session with one of the user's agents.
#[tracing::instrument(name = "db.session.insert", skip_all, fields(user.id = %user_id))]
pub async fn insert(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    agent_id: AgentId,
    title: String,
) -> Result<Model, Error> {
    if request.is_none() {
        return create(db, user_id, agent_id, title).await;
    }
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => return get(db, user_id, SessionId(id)).await,
    };
    let session = create(effect.tx(), user_id, agent_id, title).await?;
    effect.commit(session.id.0).await?;
    Ok(session)
}

/// Creates a session, in one statement. Its agent is kept from being deleted until it is
/// there.
pub(crate) async fn create(
    db: &impl ConnectionTrait,
    user_id: UserId,
    agent_id: AgentId,
    title: String,
) -> Result<Model, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "WITH agent AS (
                SELECT id FROM agents WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL
                FOR SHARE
            )
            INSERT INTO chat_sessions (user_id, agent_id, title, is_titled, summary_cells)
            SELECT $2, agent.id, $3, $3 <> '', 'none' FROM agent
            RETURNING {columns}",
            columns = columns::<Entity>("chat_sessions")
        )
    });

    let values: [sea_orm::Value; 3] = [agent_id.into(), user_id.into(), title.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SQL.as_str(), values);
    rows::one(db, statement).await?.ok_or(Error::NotFound(error::Entity::Agent))
}

#[tracing::instrument(name = "db.session.get", skip_all, fields(session.id = %id))]
pub async fn get(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: SessionId,
) -> Result<Model, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {columns} FROM chat_sessions
            WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL",
            columns = columns::<Entity>("chat_sessions")
        )
    });

    let values: [sea_orm::Value; 2] = [id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SQL.as_str(), values);
    rows::one(db, statement).await?.ok_or(NOT_FOUND)
}

/// Changes a session, if its etag is still `etag` where one is given.
#[tracing::instrument(name = "db.session.update", skip_all, fields(session.id = %id))]
pub async fn update(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: SessionId,
    changes: Changes,
    etag: Option<i64>,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return get(db, user_id, id).await,
    };
    let mut update = owned(user_id, id)
        .col_expr(Column::Etag, Expr::col(Column::Etag).add(1))
        .filter(Column::DeletedAt.is_null());
    if let Some(etag) = etag {
        update = update.filter(COLUMN.etag.eq(etag));
    }
    if let Some(title) = changes.title {
        update = update
            .col_expr(Column::Title, Expr::value(title))
            .col_expr(Column::IsTitled, Expr::value(true));
    }
    if let Some(status) = changes.status {
        update = update.col_expr(Column::Status, Expr::value(status));
    }

    match update.exec_with_returning(effect.tx()).await?.into_iter().next() {
        Some(session) => {
            effect.commit(id.0).await?;
            Ok(session)
        }
        None if etag.is_some() => {
            get(effect.tx(), user_id, id).await?;
            Err(Error::EtagMismatch)
        }
        None => Err(NOT_FOUND),
    }
}

/// Hides a session, cancels what is unfinished of it, and says until when it can be
/// brought back.
#[tracing::instrument(name = "db.session.delete", skip_all, fields(session.id = %id))]
pub async fn delete(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: SessionId,
) -> Result<Signals, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return Ok(Signals::default()),
    };
    let purge_at =
        Expr::current_timestamp().add(Expr::cust(format!("interval '{UNDELETE_WINDOW}'")));
    let deleted = owned(user_id, id)
        .col_expr(Column::DeletedAt, Expr::current_timestamp())
        .col_expr(Column::PurgeAt, purge_at)
        .filter(Column::DeletedAt.is_null())
        .exec(effect.tx())
        .await?;
    if deleted.rows_affected == 0 {
        return Err(NOT_FOUND);
    }
    let signals = runs::cancel_all(effect.tx(), id, |_| Cause::SessionDeleted).await?;
    effect.commit(id.0).await?;
    Ok(signals)
}

/// Brings a deleted session back. One that is not deleted stays as it is.
#[tracing::instrument(name = "db.session.undelete", skip_all, fields(session.id = %id))]
pub async fn undelete(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: SessionId,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return get(db, user_id, id).await,
    };
    let restored = owned(user_id, id)
        .col_expr(Column::DeletedAt, Expr::value(None::<DateTimeUtc>))
        .col_expr(Column::PurgeAt, Expr::value(None::<DateTimeUtc>))
        .filter(Expr::col(Column::PurgeAt).gt(Expr::current_timestamp()))
        .exec_with_returning(effect.tx())
        .await?;
    let session = match restored.into_iter().next() {
        Some(session) => {
            embeddings::make_up(effect.tx(), id).await?;
            session
        }
        None => get(effect.tx(), user_id, id).await?,
    };
    effect.commit(id.0).await?;
    Ok(session)
}

/// A change of one session, which is noted in its row.
fn owned(user_id: UserId, id: SessionId) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
}
