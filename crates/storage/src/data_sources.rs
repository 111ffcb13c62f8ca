//! Data sources.

use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbBackend, FromQueryResult, QueryOrder, QuerySelect,
    QueryTrait as _, SelectExt as _, Statement, entity::prelude::*,
};

use crate::{
    DataSourceId, Error, UserId,
    entity::{
        agent,
        data_source::{ActiveModel, COLUMN, Column, Entity, Kind, Model},
    },
    error,
    page::Page,
};

/// A data source that is to be stored.
#[derive(Clone, Debug)]
pub struct New {
    /// From [`next_id`].
    pub id: DataSourceId,
    pub name: String,
    pub sealed_password: Vec<u8>,
    /// The way to a Postgres database; `None` for a data set.
    pub postgres: Option<Postgres>,
}

/// The way to a Postgres database, without the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postgres {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub username: String,
    pub ssl_mode: String,
    pub ca_pem: Option<String>,
}

/// What to change about a data source.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub name: Option<String>,
    pub postgres: Option<Postgres>,
    pub sealed_password: Option<Vec<u8>>,
}

impl Model {
    /// The way to its database; `None` for a data set.
    pub fn postgres(&self) -> Option<Postgres> {
        Some(Postgres {
            host: self.host.clone()?,
            port: u16::try_from(self.port?).ok()?,
            database: self.database.clone()?,
            username: self.username.clone()?,
            ssl_mode: self.ssl_mode.clone()?,
            ca_pem: self.ca_pem.clone(),
        })
    }
}

const NOT_FOUND: Error = Error::NotFound(error::Entity::DataSource);

/// Takes the id of a data source that is not stored yet. What is made elsewhere
/// for it, named after the id, is made before the row that promises it.
#[tracing::instrument(name = "db.data_source.next_id", skip_all)]
pub async fn next_id(db: &impl ConnectionTrait) -> Result<DataSourceId, Error> {
    #[derive(FromQueryResult)]
    struct Next {
        id: DataSourceId,
    }
    let sql = "SELECT nextval(pg_get_serial_sequence('data_sources', 'id')) AS id";
    let next = Next::find_by_statement(Statement::from_string(DbBackend::Postgres, sql))
        .one(db)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound("nextval".to_owned()))?;
    Ok(next.id)
}

#[tracing::instrument(name = "db.data_source.insert", skip_all, fields(user.id = %user_id))]
pub async fn insert(db: &impl ConnectionTrait, user_id: UserId, new: New) -> Result<Model, Error> {
    let mut row = ActiveModel {
        id: Set(new.id),
        user_id: Set(user_id),
        name: Set(new.name),
        kind: Set(Kind::Dataset),
        sealed_password: Set(Some(new.sealed_password)),
        ..Default::default()
    };
    if let Some(postgres) = new.postgres {
        row.kind = Set(Kind::Postgres);
        row.host = Set(Some(postgres.host));
        row.port = Set(Some(postgres.port.into()));
        row.database = Set(Some(postgres.database));
        row.username = Set(Some(postgres.username));
        row.ssl_mode = Set(Some(postgres.ssl_mode));
        row.ca_pem = Set(postgres.ca_pem);
    }
    Ok(row.insert(db).await?)
}

#[tracing::instrument(name = "db.data_source.get", skip_all, fields(data_source.id = %id))]
pub async fn get(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: DataSourceId,
) -> Result<Model, Error> {
    owned(user_id, id).one(db).await?.ok_or(NOT_FOUND)
}

/// Gets a data source and keeps it from being deleted until the transaction ends.
pub(crate) async fn lock(
    tx: &DatabaseTransaction,
    user_id: UserId,
    id: DataSourceId,
) -> Result<Model, Error> {
    owned(user_id, id).lock_shared().one(tx).await?.ok_or(NOT_FOUND)
}

/// Lists a user's data sources, newest first.
#[tracing::instrument(name = "db.data_source.list", skip_all, fields(user.id = %user_id))]
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: UserId,
    before: Option<DataSourceId>,
    limit: u64,
) -> Result<Page<Model, DataSourceId>, Error> {
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

/// Changes a data source. Another way to its database voids what was read there.
#[tracing::instrument(name = "db.data_source.update", skip_all, fields(data_source.id = %id))]
pub async fn update(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: DataSourceId,
    changes: Changes,
) -> Result<Model, Error> {
    let mut update = Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Column::DeletedAt.is_null());
    if let Some(name) = changes.name {
        update = update.col_expr(Column::Name, Expr::value(name));
    }
    if let Some(postgres) = changes.postgres {
        update = update
            .col_expr(Column::Host, Expr::value(postgres.host))
            .col_expr(Column::Port, Expr::value(i32::from(postgres.port)))
            .col_expr(Column::Database, Expr::value(postgres.database))
            .col_expr(Column::Username, Expr::value(postgres.username))
            .col_expr(Column::SslMode, Expr::value(postgres.ssl_mode))
            .col_expr(Column::CaPem, Expr::value(postgres.ca_pem))
            .col_expr(Column::SchemaSnapshot, Expr::value(None::<Json>));
    }
    if let Some(sealed_password) = changes.sealed_password {
        update = update.col_expr(Column::SealedPassword, Expr::value(sealed_password));
    }
    update.exec_with_returning(db).await?.into_iter().next().ok_or(NOT_FOUND)
}

/// Keeps what was read of a data source's tables.
#[tracing::instrument(name = "db.data_source.store_schema", skip_all, fields(data_source.id = %id))]
pub async fn store_schema(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: DataSourceId,
    snapshot: Json,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::SchemaSnapshot, Expr::value(snapshot))
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
        .exec(db)
        .await?;
    Ok(())
}

/// Hides a data source that no agent reads from. A data set's tables are left to
/// [`deleted_datasets`].
#[tracing::instrument(name = "db.data_source.delete", skip_all, fields(data_source.id = %id))]
pub async fn delete(
    db: &DatabaseConnection,
    user_id: UserId,
    id: DataSourceId,
) -> Result<(), Error> {
    let tx = crate::transaction(db).await?;
    owned(user_id, id).lock_exclusive().one(&tx).await?.ok_or(NOT_FOUND)?;
    let in_use = agent::Entity::find()
        .filter(agent::COLUMN.data_source_id.eq(id))
        .filter(agent::Column::DeletedAt.is_null())
        .exists(&tx)
        .await?;
    if in_use {
        return Err(Error::DataSourceInUse);
    }
    Entity::update_many()
        .col_expr(Column::DeletedAt, Expr::current_timestamp())
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .col_expr(Column::SealedPassword, Expr::value(None::<Vec<u8>>))
        .filter(COLUMN.id.eq(id))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Finds data sets that were deleted and whose tables are still to be dropped.
#[tracing::instrument(name = "db.data_source.deleted_datasets", skip_all)]
pub async fn deleted_datasets(
    db: &impl ConnectionTrait,
    limit: u64,
) -> Result<Vec<DataSourceId>, Error> {
    let rows = Entity::find()
        .filter(COLUMN.kind.eq(Kind::Dataset))
        .filter(Column::DeletedAt.is_not_null())
        .filter(Column::DroppedAt.is_null())
        .order_by_asc(Column::DeletedAt)
        .limit(limit)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Notes that a deleted data set's tables are dropped.
#[tracing::instrument(name = "db.data_source.mark_dropped", skip_all, fields(data_source.id = %id))]
pub async fn mark_dropped(db: &impl ConnectionTrait, id: DataSourceId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::DroppedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

fn owned(user_id: UserId, id: DataSourceId) -> Select<Entity> {
    Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).filter(Column::DeletedAt.is_null())
}
