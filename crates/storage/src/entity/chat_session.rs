use sea_orm::entity::prelude::*;

use super::message::Cells;
use crate::{
    AgentId, SessionId, UserId,
    rows::{ordered, texts},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Status {
    #[sea_orm(string_value = "active")]
    Active,
    #[sea_orm(string_value = "archived")]
    Archived,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "chat_sessions")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: SessionId,
    pub user_id: UserId,
    pub agent_id: AgentId,
    pub title: String,
    pub status: Status,
    /// Always the number of its messages, and the last one's place.
    pub total_messages: i64,
    pub last_activity: DateTimeUtc,
    pub last_message: String,
    pub context_summary: String,
    /// Up to which message the summary goes.
    pub summary_until_sequence: i64,
    /// What of the data the summary may hold.
    pub summary_cells: Cells,
    /// Whether the title is the user's, or was given once.
    pub is_titled: bool,
    /// Changes with the fields that the user sets, and only then.
    pub etag: i64,
    pub deleted_at: Option<DateTimeUtc>,
    pub purge_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

texts! { Status }

ordered! {
    id user_id agent_id title status total_messages last_activity last_message context_summary
    summary_until_sequence summary_cells is_titled etag deleted_at purge_at created_at updated_at
}
