use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};
use sqlx::types;

use crate::{
    MessageId, RunId, SessionId, UserId,
    rows::{field, ordered, texts},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Role {
    #[sea_orm(string_value = "user")]
    User,
    #[sea_orm(string_value = "assistant")]
    Assistant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum FinishReason {
    #[sea_orm(string_value = "stop")]
    Stop,
    #[sea_orm(string_value = "error")]
    Error,
    #[sea_orm(string_value = "deadline")]
    Deadline,
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
}

/// What of the data a text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum Cells {
    /// No value of any row.
    #[sea_orm(string_value = "none")]
    None,
    /// Counts, sums and averages.
    #[sea_orm(string_value = "aggregates")]
    Aggregates,
    #[sea_orm(string_value = "rows")]
    Rows,
}

/// How an assistant's message came about; nothing on a user's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default)]
pub struct Metadata {
    pub row_count: Option<i64>,
    pub truncated: Option<bool>,
    pub total_rows: Option<i64>,
    pub execution_ms: Option<i64>,
    pub error_reason: Option<String>,
}

field!(Metadata, types::Json<Self>, |json: types::Json<Self>| Ok(json.0));

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: MessageId,
    pub chat_session_id: SessionId,
    pub user_id: UserId,
    pub run_id: RunId,
    pub role: Role,
    pub content: String,
    pub sql_query: Option<String>,
    /// 1, 2, 3, … in each session, without gaps.
    pub sequence_order: i64,
    pub message_metadata: Metadata,
    pub finish_reason: Option<FinishReason>,
    /// What of the data the content may hold.
    pub cells: Cells,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

texts! { Role FinishReason Cells }

ordered! {
    id chat_session_id user_id run_id role content sql_query sequence_order message_metadata
    finish_reason cells created_at
}
