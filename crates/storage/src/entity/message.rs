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

/// How an assistant's message came about; nothing on a user's. Releases that run side by side
/// read what each other has written: there may be more of it, but nothing of another type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_rows: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
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

#[cfg(test)]
mod metadata_tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn metadata_is_read_whatever_is_absent_or_more_than_is_known() {
        let nothing: Metadata = from_value(json!({})).unwrap();
        assert_eq!(nothing.row_count, None);
        let nothing_too = json!({ "row_count": null, "newer": [1], "error_reason": null });
        assert_eq!(from_value::<Metadata>(nothing_too).unwrap(), nothing);

        let all = Metadata {
            row_count: Some(1),
            truncated: Some(true),
            total_rows: Some(2),
            execution_ms: Some(3),
            error_reason: Some("SQL_FAILED".to_owned()),
        };
        let json = json!({
            "row_count": 1, "truncated": true, "total_rows": 2, "execution_ms": 3,
            "error_reason": "SQL_FAILED",
        });
        assert_eq!(to_value(&all).unwrap(), json);
        assert_eq!(from_value::<Metadata>(json).unwrap(), all);
        assert_eq!(to_value(nothing).unwrap(), json!({}));
    }
}
