//! Data sets, whose tables lie in another database: what is made there, and what is to
//! be dropped.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use super::{NOT_FOUND, get};
use crate::{
    DataSourceId, Database, Error, UserId,
    columns::columns,
    entity::data_source::{COLUMN, Column, Entity, Model},
    idempotency::{self, Begun, Request},
};

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

/// Makes a reserved data set visible, unless it is too late. Of several that were
/// made for one request the first is; the others' place is taken by it.
#[tracing::instrument(name = "db.data_source.reveal_dataset", skip_all, fields(data_source.id = %reserved.id))]
pub async fn reveal_dataset(
    db: &Database,
    request: Option<&Request>,
    reserved: &Model,
) -> Result<Model, Error> {
    let effect = match idempotency::begin(db, reserved.user_id, request).await? {
        Begun::First(effect) => effect,
        Begun::Repeated(id) => return get(db, reserved.user_id, DataSourceId(id)).await,
    };
    let revealed = Entity::update_many()
        .col_expr(Column::DeletedAt, Expr::value(None::<DateTimeUtc>))
        .col_expr(Column::DropAt, Expr::value(None::<DateTimeUtc>))
        .filter(COLUMN.id.eq(reserved.id))
        .filter(Column::DropAt.eq(reserved.drop_at))
        .exec_with_returning(effect.tx())
        .await?;
    let revealed = revealed.into_iter().next().ok_or(NOT_FOUND)?;
    effect.commit(revealed.id.0).await?;
    Ok(revealed)
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
