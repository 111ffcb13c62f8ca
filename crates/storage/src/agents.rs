//! Agents.

use std::{sync::LazyLock, time::Duration};

use sea_orm::{
    ActiveValue::Set, DbBackend, ExprTrait as _, QueryOrder, QuerySelect, QueryTrait as _,
    Statement, entity::prelude::*, sea_query::LockType,
};

use crate::{
    AgentId, DataSourceId, Database, Error, UserId,
    columns::columns,
    data_sources,
    entity::agent::{ActiveModel, COLUMN, Column, Entity, Model, PrivacyMode},
    entity::data_source,
    error,
    idempotency::{self, Begun, Request},
    page::Page,
    rows::{self, Columns, Ordered},
};

/// What a user decides about an agent.
#[derive(Clone, Debug)]
pub struct Settings {
    pub name: String,
    pub data_source_id: DataSourceId,
    pub model: String,
    pub instructions: String,
    pub table_allow_list: Vec<String>,
    pub max_rows: i32,
    pub statement_timeout_ms: i32,
    pub max_cost: f64,
    pub privacy_mode: PrivacyMode,
    pub sample_values: bool,
    /// How long its conversations are kept after their last activity; `None`: for ever.
    pub conversation_retention: Option<Duration>,
}

/// Which of the [`Settings`] to change.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub data_source_id: Option<DataSourceId>,
    pub model: Option<String>,
    pub instructions: Option<String>,
    pub table_allow_list: Option<Vec<String>>,
    pub max_rows: Option<i32>,
    pub statement_timeout_ms: Option<i32>,
    pub max_cost: Option<f64>,
    pub privacy_mode: Option<PrivacyMode>,
    pub sample_values: Option<bool>,
    /// `Some(None)`: they are kept for ever from now on.
    pub conversation_retention: Option<Option<Duration>>,
}

const NOT_FOUND: Error = Error::NotFound(error::Entity::Agent);

/// Creates an agent on one of the user's data sources.
#[tracing::instrument(name = "db.agent.insert", skip_all, fields(user.id = %user_id))]
pub async fn insert(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    settings: Settings,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => return get(db, user_id, AgentId(id)).await,
    };
    data_sources::lock(effect.tx(), user_id, settings.data_source_id).await?;
    let agent = ActiveModel {
        user_id: Set(user_id),
        name: Set(settings.name),
        data_source_id: Set(settings.data_source_id),
        model: Set(settings.model),
        instructions: Set(settings.instructions),
        table_allow_list: Set(settings.table_allow_list),
        max_rows: Set(settings.max_rows),
        statement_timeout_ms: Set(settings.statement_timeout_ms),
        max_cost: Set(settings.max_cost),
        privacy_mode: Set(settings.privacy_mode),
        sample_values: Set(settings.sample_values),
        conversation_retention_seconds: Set(settings.conversation_retention.map(seconds)),
        ..Default::default()
    };
    let agent = agent.insert(effect.tx()).await?;
    effect.commit(agent.id.0).await?;
    Ok(agent)
}

#[tracing::instrument(name = "db.agent.get", skip_all, fields(agent.id = %id))]
pub async fn get(db: &impl ConnectionTrait, user_id: UserId, id: AgentId) -> Result<Model, Error> {
    owned(user_id, id).one(db).await?.ok_or(NOT_FOUND)
}

/// Gets an agent, deleted or not: what was begun before the deletion goes on with it.
#[tracing::instrument(name = "db.agent.get_any", skip_all, fields(agent.id = %id))]
pub async fn get_any(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: AgentId,
) -> Result<Model, Error> {
    let agent = Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).one(db).await?;
    agent.ok_or(NOT_FOUND)
}

/// An agent, with the data source that it reads from.
#[derive(Clone, Debug)]
pub struct WithSource {
    pub agent: Model,
    pub source: data_source::Model,
}

impl Ordered for WithSource {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self { agent: Model::read(columns)?, source: data_source::Model::read(columns)? })
    }
}

/// Gets an agent, deleted or not, with its data source.
#[tracing::instrument(name = "db.agent.get_with_source", skip_all, fields(agent.id = %id))]
pub async fn get_with_source(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: AgentId,
) -> Result<WithSource, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {agent}, {source}
            FROM agents a JOIN data_sources d ON d.id = a.data_source_id
            WHERE a.id = $1 AND a.user_id = $2 AND d.user_id = $2 AND d.deleted_at IS NULL",
            agent = columns::<Entity>("a"),
            source = columns::<data_source::Entity>("d")
        )
    });

    let values: [sea_orm::Value; 2] = [id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SQL.as_str(), values);
    rows::one(db, statement).await?.ok_or(NOT_FOUND)
}

/// Lists a user's agents, newest first.
#[tracing::instrument(name = "db.agent.list", skip_all, fields(user.id = %user_id))]
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: UserId,
    before: Option<AgentId>,
    limit: u64,
) -> Result<Page<Model, AgentId>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Column::DeletedAt.is_null())
        .apply_if(before, |query, before| query.filter(Column::Id.lt(before)))
        .order_by_desc(Column::Id)
        .limit(limit + 1)
        .all(db)
        .await?;
    Ok(Page::from_overfetch(rows, limit, |row| row.id))
}

#[tracing::instrument(name = "db.agent.update", skip_all, fields(agent.id = %id))]
pub async fn update(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: AgentId,
    changes: Changes,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return get(db, user_id, id).await,
    };
    if let Some(data_source_id) = changes.data_source_id {
        data_sources::lock(effect.tx(), user_id, data_source_id).await?;
    }
    let stored = owned(user_id, id).lock(LockType::NoKeyUpdate).one(effect.tx()).await?;
    check_privacy(&stored.ok_or(NOT_FOUND)?, &changes)?;
    let mut update = Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id));
    for (column, value) in [
        (Column::Name, changes.name.map(Expr::value)),
        (Column::DataSourceId, changes.data_source_id.map(Expr::value)),
        (Column::Model, changes.model.map(Expr::value)),
        (Column::Instructions, changes.instructions.map(Expr::value)),
        (Column::TableAllowList, changes.table_allow_list.map(Expr::value)),
        (Column::MaxRows, changes.max_rows.map(Expr::value)),
        (Column::StatementTimeoutMs, changes.statement_timeout_ms.map(Expr::value)),
        (Column::MaxCost, changes.max_cost.map(Expr::value)),
        (Column::PrivacyMode, changes.privacy_mode.map(Expr::value)),
        (Column::SampleValues, changes.sample_values.map(Expr::value)),
        (
            Column::ConversationRetentionSeconds,
            changes.conversation_retention.map(|it| Expr::value(it.map(seconds))),
        ),
    ] {
        if let Some(value) = value {
            update = update.col_expr(column, value);
        }
    }
    let updated = update.exec_with_returning(effect.tx()).await?;
    let agent = updated.into_iter().next().ok_or(NOT_FOUND)?;
    effect.commit(id.0).await?;
    Ok(agent)
}

/// Checks what depends on what stays as it is.
fn check_privacy(stored: &Model, changes: &Changes) -> Result<(), Error> {
    let mode = changes.privacy_mode.unwrap_or(stored.privacy_mode);
    let sample_values = changes.sample_values.unwrap_or(stored.sample_values);
    if sample_values && mode != PrivacyMode::Full {
        return Err(Error::SampleValuesNotFull);
    }
    Ok(())
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Hides an agent; its conversations stay.
#[tracing::instrument(name = "db.agent.delete", skip_all, fields(agent.id = %id))]
pub async fn delete(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: AgentId,
) -> Result<(), Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return Ok(()),
    };
    let deleted = Entity::update_many()
        .col_expr(Column::DeletedAt, Expr::current_timestamp())
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Column::DeletedAt.is_null())
        .exec(effect.tx())
        .await?;
    if deleted.rows_affected == 0 {
        return Err(NOT_FOUND);
    }
    effect.commit(id.0).await
}

fn owned(user_id: UserId, id: AgentId) -> Select<Entity> {
    Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).filter(Column::DeletedAt.is_null())
}
