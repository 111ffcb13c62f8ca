//! Sealed passwords, whoever they belong to: for what changes the seal, and not the password.

use sea_orm::{FromQueryResult, QueryOrder, QuerySelect, entity::prelude::*};

use crate::{
    DataSourceId, Error, UserId,
    entity::data_source::{COLUMN, Column, Entity},
};

#[derive(Clone, Debug, FromQueryResult)]
pub struct Sealed {
    pub id: DataSourceId,
    pub user_id: UserId,
    pub sealed_password: Vec<u8>,
}

/// Lists them by id, after one, at most so many; those of data sets that are about to be
/// revealed, too.
#[tracing::instrument(name = "db.data_source.list_sealed", skip_all)]
pub async fn list_sealed(
    db: &impl ConnectionTrait,
    after: DataSourceId,
    limit: u64,
) -> Result<Vec<Sealed>, Error> {
    let rows = Entity::find()
        .select_only()
        .columns([Column::Id, Column::UserId, Column::SealedPassword])
        .filter(COLUMN.id.gt(after))
        .filter(Column::SealedPassword.is_not_null())
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_model::<Sealed>()
        .all(db)
        .await?;
    Ok(rows)
}

/// Replaces one that is still as it was listed, and says whether it was.
#[tracing::instrument(name = "db.data_source.replace_sealed", skip_all, fields(data_source.id = %old.id))]
pub async fn replace_sealed(
    db: &impl ConnectionTrait,
    old: &Sealed,
    sealed_password: Vec<u8>,
) -> Result<bool, Error> {
    let replaced = Entity::update_many()
        .col_expr(Column::SealedPassword, Expr::value(sealed_password))
        .filter(COLUMN.id.eq(old.id))
        .filter(Column::SealedPassword.eq(old.sealed_password.clone()))
        .exec(db)
        .await?;
    Ok(replaced.rows_affected > 0)
}
