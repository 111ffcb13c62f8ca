use sea_orm::entity::prelude::*;

use crate::{AgentId, MessageId, SessionId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_embeddings")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: MessageId,
    pub user_id: UserId,
    pub agent_id: AgentId,
    pub chat_session_id: SessionId,
    /// Whose embedding it is: those of two models are never compared.
    pub model: String,
    /// SHA-256 of the text that was embedded.
    pub content_hash: Vec<u8>,
    pub embedding: PgVector,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
