//! Data sources.

mod datasets;
mod schemas;
mod sealed;

use sea_orm::{
    ActiveValue::Set, ExprTrait as _, QueryOrder, QuerySelect, QueryTrait as _, SelectExt as _,
    UpdateMany, entity::prelude::*,
};

use crate::{
    DataSourceId, Database, Error, Transaction, UserId,
    entity::{
        agent,
        data_source::{ActiveModel, COLUMN, Column, Entity, Kind, Model},
    },
    error,
    idempotency::{self, Begun, Request},
    page::Page,
};

pub use datasets::{mark_dropped, reserve_dataset, reveal_dataset, take_deleted_datasets};
pub use schemas::{forget_schema, store_samples, store_schema};
pub use sealed::{Sealed, list_sealed, replace_sealed};

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
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    name: String,
    sealed_password: Vec<u8>,
    postgres: Postgres,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => return get(db, user_id, DataSourceId(id)).await,
    };
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
    let row = row.insert(effect.tx()).await?;
    effect.commit(row.id.0).await?;
    Ok(row)
}

/// Finds the data source that a repeated request has made.
#[tracing::instrument(name = "db.data_source.find_made", skip_all, fields(user.id = %user_id))]
pub async fn find_made(
    db: &impl ConnectionTrait,
    user_id: UserId,
    request: &Request,
) -> Result<Option<Model>, Error> {
    match idempotency::find(db, user_id, request).await? {
        Some(id) => get(db, user_id, DataSourceId(id)).await.map(Some),
        None => Ok(None),
    }
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
    tx: &Transaction,
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
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: DataSourceId,
    changes: Changes,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return get(db, user_id, id).await,
    };
    let stored = owned(user_id, id).lock_exclusive().one(effect.tx()).await?.ok_or(NOT_FOUND)?;
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
    let updated = update.exec_with_returning(effect.tx()).await?;
    let updated = updated.into_iter().next().ok_or(NOT_FOUND)?;
    effect.commit(id.0).await?;
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
        .col_expr(Column::SchemaReadAt, Expr::value(None::<DateTimeUtc>))
        .col_expr(Column::SampleValues, Expr::value(None::<Json>))
        .col_expr(Column::SchemaVersion, Expr::col(Column::SchemaVersion).add(1))
}

/// Hides a data source that no agent reads from. A data set's tables are left to
/// [`take_deleted_datasets`].
#[tracing::instrument(name = "db.data_source.delete", skip_all, fields(data_source.id = %id))]
pub async fn delete(
    db: &Database,
    user_id: UserId,
    request: Option<&Request>,
    id: DataSourceId,
) -> Result<(), Error> {
    let effect = match idempotency::begin(db, user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(_) => return Ok(()),
    };
    let stored = owned(user_id, id).lock_exclusive().one(effect.tx()).await?.ok_or(NOT_FOUND)?;
    let in_use = agent::Entity::find()
        .filter(agent::COLUMN.data_source_id.eq(id))
        .filter(agent::Column::DeletedAt.is_null())
        .exists(effect.tx())
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
    delete.exec(effect.tx()).await?;
    effect.commit(id.0).await
}

fn owned(user_id: UserId, id: DataSourceId) -> Select<Entity> {
    Entity::find_by_id(id).filter(COLUMN.user_id.eq(user_id)).filter(Column::DeletedAt.is_null())
}
