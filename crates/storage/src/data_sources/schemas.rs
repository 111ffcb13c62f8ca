//! What was read of data sources' tables.
//!
//! A version is one snapshot's: whoever has read another one than is stored raises
//! it, and what was read on the way to an older version is not kept.

use sea_orm::{DbBackend, FromQueryResult as _, Statement, entity::prelude::*};

use super::{NOT_FOUND, without_schema};
use crate::{
    DataSourceId, Error, UserId,
    columns::columns,
    entity::data_source::{COLUMN, Column, Entity, Model},
};

/// Keeps what was read of a data source's tables, and returns it as it is now.
/// `None`: the tables, or the way to them, have changed since `read` was got.
#[tracing::instrument(name = "db.data_source.store_schema", skip_all, fields(data_source.id = %read.id))]
pub async fn store_schema(
    db: &impl ConnectionTrait,
    read: &Model,
    snapshot: Json,
) -> Result<Option<Model>, Error> {
    let sql = format!(
        "UPDATE data_sources SET schema_snapshot = $4, schema_read_at = now(),
            sample_values = NULL,
            schema_version = schema_version + (schema_snapshot IS DISTINCT FROM $4)::int
        WHERE id = $1 AND user_id = $2 AND schema_version = $3 AND deleted_at IS NULL
        RETURNING {}",
        columns::<Entity>("data_sources")
    );
    let values: [sea_orm::Value; 4] =
        [read.id.into(), read.user_id.into(), read.schema_version.into(), snapshot.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Model::find_by_statement(statement).one(db).await?)
}

/// Keeps values of a data source's columns beside the snapshot that they were read
/// for, unless that has changed since `read` was got.
#[tracing::instrument(name = "db.data_source.store_samples", skip_all, fields(data_source.id = %read.id))]
pub async fn store_samples(
    db: &impl ConnectionTrait,
    read: &Model,
    samples: Json,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::SampleValues, Expr::value(samples))
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
