use sea_orm::entity::prelude::*;
use trace_context::TraceContext;

use crate::{
    AgentId, RunId, SessionId, UserId,
    rows::{ordered, texts},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum State {
    #[sea_orm(string_value = "queued")]
    Queued,
    #[sea_orm(string_value = "running")]
    Running,
    #[sea_orm(string_value = "cancelling")]
    Cancelling,
    #[sea_orm(string_value = "succeeded")]
    Succeeded,
    #[sea_orm(string_value = "failed")]
    Failed,
    #[sea_orm(string_value = "cancelled")]
    Cancelled,
    #[sea_orm(string_value = "expired")]
    Expired,
}

/// Which limit cut the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum TruncatedBy {
    #[sea_orm(string_value = "rows")]
    Rows,
    #[sea_orm(string_value = "bytes")]
    Bytes,
}

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "runs")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: RunId,
    pub chat_session_id: SessionId,
    pub agent_id: AgentId,
    pub user_id: UserId,
    pub question: String,
    pub state: State,
    /// When its turn in the session came.
    pub admitted_at: Option<DateTimeUtc>,
    /// Rises with every claim.
    pub fence: i64,
    pub attempts: i32,
    /// The next time that someone must look at it; `None` once it has ended.
    pub wake_at: Option<DateTimeUtc>,
    pub publications: i64,
    /// Until when nobody else may claim it: a worker has it, or it backs off.
    pub lease_expires_at: Option<DateTimeUtc>,
    pub started_at: Option<DateTimeUtc>,
    pub ended_at: Option<DateTimeUtc>,
    pub sql_used: Option<String>,
    pub execution_ms: Option<i64>,
    pub row_count: Option<i64>,
    pub truncated_by: Option<TruncatedBy>,
    /// How many rows the statement has without any limit, if that is known.
    pub total_rows: Option<i64>,
    /// The model that was asked.
    pub model: Option<String>,
    pub prompt_tokens: i64,
    pub completion_tokens: i64,
    pub error_reason: Option<String>,
    pub error_message: Option<String>,
    /// When it is given up.
    pub expires_at: DateTimeUtc,
    pub cancel_requested_at: Option<DateTimeUtc>,
    /// Of the last event before the final one; `None` until it has ended.
    pub last_event_id: Option<i64>,
    /// Where the trace of the call goes on that started it; see [`Self::trace`].
    pub traceparent: Option<String>,
    pub tracestate: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl Model {
    pub fn trace(&self) -> Option<TraceContext> {
        TraceContext::parse(self.traceparent.as_deref()?, self.tracestate.as_deref())
    }
}

impl ActiveModelBehavior for ActiveModel {}

texts! { State TruncatedBy }

ordered! {
    id chat_session_id agent_id user_id question state admitted_at fence attempts wake_at
    publications lease_expires_at started_at ended_at sql_used execution_ms row_count truncated_by
    total_rows model prompt_tokens completion_tokens error_reason error_message expires_at
    cancel_requested_at last_event_id traceparent tracestate created_at updated_at
}
