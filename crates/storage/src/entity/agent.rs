use sea_orm::entity::prelude::*;

use crate::{
    AgentId, DataSourceId, UserId,
    rows::{ordered, texts},
};

/// What of the data a provider gets to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum PrivacyMode {
    #[sea_orm(string_value = "none")]
    None,
    #[sea_orm(string_value = "aggregates")]
    Aggregates,
    #[sea_orm(string_value = "full")]
    Full,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
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
    /// By the estimate of the data source's planner.
    pub max_cost: f64,
    pub privacy_mode: PrivacyMode,
    /// Whether the model is shown values of the columns; in [`PrivacyMode::Full`] only.
    pub sample_values: bool,
    /// How long its conversations are kept after their last activity; `None`: for ever.
    pub conversation_retention_seconds: Option<i64>,
    pub version: i64,
    pub deleted_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

texts! { PrivacyMode }

ordered! {
    id user_id name data_source_id model instructions table_allow_list max_rows
    statement_timeout_ms max_cost privacy_mode sample_values conversation_retention_seconds
    version deleted_at created_at updated_at
}
