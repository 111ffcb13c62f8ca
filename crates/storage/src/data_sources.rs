//! Data sources.

use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, DbBackend, ExprTrait as _, FromQueryResult, QueryOrder,
    QuerySelect, QueryTrait as _, SelectExt as _, Statement, UpdateMany, entity::prelude::*,
};

use crate::{
    DataSourceId, Error, UserId,
    columns::columns,
    entity::{
        agent,
        data_source::{ActiveModel, COLUMN, Column, Entity, Kind, Model},
    },
    error,
    page::Page,
};

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

impl Postgres {
    /// What a password is good for.
    fn login(&self) -> (&str, u16, &str, &str) {
        (&self.host, self.port, &self.database, &self.username)
    }
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
            port: u16::try_from(self.port?).expect("ports are checked before they are stored"),
            database: self.database.clone()?,
            username: self.username.clone()?,
            ssl_mode: self.ssl_mode.clone()?,
            ca_pem: self.ca_pem.clone(),
        })
    }
}

const NOT_FOUND: Error = Error::NotFound(error::Entity::DataSource);

/// Stores the way to a Postgres database.
#[tracing::instrument(name = "db.data_source.insert", skip_all, fields(user.id = %user_id))]
pub async fn insert(
    db: &impl ConnectionTrait,
    user_id: UserId,
    name: String,
    sealed_password: Vec<u8>,
    postgres: Postgres,
) -> Result<Model, Error> {
    let row = ActiveModel {
        user_id: Set(user_id),
        name: Set(name),
        kind: Set(Kind::Postgres),
        host: Set(Some(postgres.host)),
        port: Set(Some(postgres.port.into())),
        database: Set(Some(postgres.database)),
        username: Set(Some(postgres.username)),
        ssl_mode: Set(Some(postgres.ssl_mode)),
        ca_pem: Set(postgres.ca_pem),
        sealed_password: Set(Some(sealed_password)),
        ..Default::default()
    };
    Ok(row.insert(db).await?)
}

/// Stores a data set that is not there yet, as deleted: what is made for it
/// elsewhere, and named after its id, is dropped again unless it is
/// [revealed](reveal_dataset) soon.
#[tracing::instrument(name = "db.data_source.reserve_dataset", skip_all, fields(user.id = %user_id))]
pub async fn reserve_dataset(
    db: &impl ConnectionTrait,
    user_id: UserId,
    name: String,
    sealed_password: Vec<u8>,
) -> Result<Model, Error> {
    let sql = format!(
        "INSERT INTO data_sources (user_id, name, kind, sealed_password, deleted_at, drop_at)
        VALUES ($1, $2, 'dataset', $3, now(), now() + interval '10 minutes')
        RETURNING {}",
        columns::<Entity>("data_sources")
    );
    let values: [sea_orm::Value; 3] = [user_id.into(), name.into(), sealed_password.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Model::find_by_statement(statement).one(db).await?.ok_or(NOT_FOUND)
}

/// Makes a reserved data set visible, unless it is too late.
#[tracing::instrument(name = "db.data_source.reveal_dataset", skip_all, fields(data_source.id = %reserved.id))]
pub async fn reveal_dataset(db: &impl ConnectionTrait, reserved: &Model) -> Result<Model, Error> {
    let revealed = Entity::update_many()
        .col_expr(Column::DeletedAt, Expr::value(None::<DateTimeUtc>))
        .col_expr(Column::DropAt, Expr::value(None::<DateTimeUtc>))
        .filter(COLUMN.id.eq(reserved.id))
        .filter(Column::DropAt.eq(reserved.drop_at))
        .exec_with_returning(db)
        .await?;
    revealed.into_iter().next().ok_or(NOT_FOUND)
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

/// Changes a data source. Another way to its database voids what was read there,
/// and asks for the password again unless the login stays as it is.
#[tracing::instrument(name = "db.data_source.update", skip_all, fields(data_source.id = %id))]
pub async fn update(
    db: &DatabaseConnection,
    user_id: UserId,
    id: DataSourceId,
    changes: Changes,
) -> Result<Model, Error> {
    let tx = crate::transaction(db).await?;
    let stored = owned(user_id, id).lock_exclusive().one(&tx).await?.ok_or(NOT_FOUND)?;
    let mut update = Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id));
    if let Some(name) = changes.name {
        update = update.col_expr(Column::Name, Expr::value(name));
    }
    if let Some(new) = changes.postgres {
        let old = stored.postgres().ok_or(Error::NotPostgres)?;
        if changes.sealed_password.is_none() && old.login() != new.login() {
            return Err(Error::PasswordRequired);
        }
        update = with_way(update, new);
    }
    if let Some(sealed_password) = changes.sealed_password {
        update = update.col_expr(Column::SealedPassword, Expr::value(sealed_password));
    }
    let updated = update.exec_with_returning(&tx).await?.into_iter().next().ok_or(NOT_FOUND)?;
    tx.commit().await?;
    Ok(updated)
}

fn with_way(update: UpdateMany<Entity>, way: Postgres) -> UpdateMany<Entity> {
    without_schema(update)
        .col_expr(Column::Host, Expr::value(way.host))
        .col_expr(Column::Port, Expr::value(i32::from(way.port)))
        .col_expr(Column::Database, Expr::value(way.database))
        .col_expr(Column::Username, Expr::value(way.username))
        .col_expr(Column::SslMode, Expr::value(way.ssl_mode))
        .col_expr(Column::CaPem, Expr::value(way.ca_pem))
}

fn without_schema(update: UpdateMany<Entity>) -> UpdateMany<Entity> {
    update
        .col_expr(Column::SchemaSnapshot, Expr::value(None::<Json>))
        .col_expr(Column::SchemaVersion, Expr::col(Column::SchemaVersion).add(1))
}

/// Keeps what was read of a data source's tables, if neither they nor the way to
/// them have changed since `read` was got.
#[tracing::instrument(name = "db.data_source.store_schema", skip_all, fields(data_source.id = %read.id))]
pub async fn store_schema(
    db: &impl ConnectionTrait,
    read: &Model,
    snapshot: Json,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::SchemaSnapshot, Expr::value(snapshot))
        .filter(COLUMN.id.eq(read.id))
        .filter(COLUMN.user_id.eq(read.user_id))
        .filter(COLUMN.schema_version.eq(read.schema_version))
        .exec(db)
        .await?;
    Ok(())
}

/// Forgets what was read of a data source's tables, since they have changed, and
/// returns it as it is now.
#[tracing::instrument(name = "db.data_source.forget_schema", skip_all, fields(data_source.id = %id))]
pub async fn forget_schema(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: DataSourceId,
) -> Result<Model, Error> {
    let forgotten = without_schema(Entity::update_many())
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Column::DeletedAt.is_null())
        .exec_with_returning(db)
        .await?;
    forgotten.into_iter().next().ok_or(NOT_FOUND)
}

/// Hides a data source that no agent reads from. A data set's tables are left to
/// [`take_deleted_datasets`].
#[tracing::instrument(name = "db.data_source.delete", skip_all, fields(data_source.id = %id))]
pub async fn delete(
    db: &DatabaseConnection,
    user_id: UserId,
    id: DataSourceId,
) -> Result<(), Error> {
    let tx = crate::transaction(db).await?;
    let stored = owned(user_id, id).lock_exclusive().one(&tx).await?.ok_or(NOT_FOUND)?;
    let in_use = agent::Entity::find()
        .filter(agent::COLUMN.data_source_id.eq(id))
        .filter(agent::Column::DeletedAt.is_null())
        .exists(&tx)
        .await?;
    if in_use {
        return Err(Error::DataSourceInUse);
    }
    let mut delete = Entity::update_many()
        .col_expr(Column::DeletedAt, Expr::current_timestamp())
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .col_expr(Column::SealedPassword, Expr::value(None::<Vec<u8>>))
        .filter(COLUMN.id.eq(id));
    if stored.kind == Kind::Dataset {
        delete = delete.col_expr(Column::DropAt, Expr::current_timestamp());
    }
    delete.exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes deleted data sets whose tables are to be dropped, and puts off the next
/// try at them. Of several callers each gets others.
#[tracing::instrument(name = "db.data_source.take_deleted_datasets", skip_all)]
pub async fn take_deleted_datasets(
    db: &impl ConnectionTrait,
    limit: i64,
) -> Result<Vec<DataSourceId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: DataSourceId,
    }

    let sql = "
        UPDATE data_sources SET drop_at = now() + interval '1 minute'
        WHERE id IN (
            SELECT id FROM data_sources WHERE drop_at <= now()
            ORDER BY drop_at LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
        )
        RETURNING id";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [limit.into()]);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Notes that a deleted data set's tables are dropped.
#[tracing::instrument(name = "db.data_source.mark_dropped", skip_all, fields(data_source.id = %id))]
pub async fn mark_dropped(db: &impl ConnectionTrait, id: DataSourceId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::DropAt, Expr::value(None::<DateTimeUtc>))
        .filter(COLUMN.id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

fn owned(user_id: UserId, id: DataSourceId) -> Select<Entity> {
    Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).filter(Column::DeletedAt.is_null())
}
