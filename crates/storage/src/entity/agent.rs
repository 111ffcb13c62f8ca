use sea_orm::entity::prelude::*;

use crate::{AgentId, DataSourceId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agents")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: AgentId,
    pub user_id: UserId,
    pub name: String,
    pub data_source_id: DataSourceId,
    pub model: String,
    pub instructions: String,
    /// Empty: all that the data source shows.
    pub table_allow_list: Vec<String>,
    pub max_rows: i32,
    pub statement_timeout_ms: i32,
    pub version: i64,
    pub deleted_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
