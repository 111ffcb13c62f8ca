use sea_orm::entity::prelude::*;

use crate::{
    DataSourceId, UserId,
    rows::{ordered, texts},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Kind {
    #[sea_orm(string_value = "dataset")]
    Dataset,
    #[sea_orm(string_value = "postgres")]
    Postgres,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "data_sources")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: DataSourceId,
    pub user_id: UserId,
    pub name: String,
    pub kind: Kind,
    pub host: Option<String>,
    pub port: Option<i32>,
    pub database: Option<String>,
    pub username: Option<String>,
    /// In libpq's spelling.
    pub ssl_mode: Option<String>,
    pub ca_pem: Option<String>,
    pub sealed_password: Option<Vec<u8>>,
    pub schema_snapshot: Option<Json>,
    /// Rises whenever the tables, or the way to them, have changed.
    pub schema_version: i64,
    pub schema_read_at: Option<DateTimeUtc>,
    pub sample_values: Option<Json>,
    pub deleted_at: Option<DateTimeUtc>,
    /// The next time that someone must try to drop a deleted data set's tables.
    pub drop_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

texts! { Kind }

ordered! {
    id user_id name kind host port database username ssl_mode ca_pem sealed_password
    schema_snapshot schema_version schema_read_at sample_values deleted_at drop_at created_at
    updated_at
}
