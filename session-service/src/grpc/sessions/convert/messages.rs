//! A conversation's messages.

use std::collections::BTreeMap;

use prost_types::{Struct, Value, value::Kind};
use proto::v1::{self as pb, MessageOrder};
use storage::{
    SessionId,
    entity::message::{self, FinishReason, Metadata, Role},
    messages::{Listing, Range},
};

use super::pagination;
use crate::{
    Error,
    grpc::{fields::Fields, time::to_timestamp},
    limits::PageLimits,
};

/// A list of messages that was asked for.
pub(in crate::grpc::sessions) struct ListMessages {
    pub session_id: SessionId,
    page: u32,
    per_page: u32,
    after_sequence: i64,
    descending: bool,
}

impl ListMessages {
    pub(in crate::grpc::sessions) fn range(&self) -> Range {
        Range {
            after_sequence: self.after_sequence,
            skip: i64::from(self.page - 1) * i64::from(self.per_page),
            limit: i64::from(self.per_page),
            descending: self.descending,
        }
    }
}

pub(in crate::grpc::sessions) fn list_messages(
    request: &pb::ListMessagesRequest,
    pages: &PageLimits,
) -> Result<ListMessages, Error> {
    let mut fields = Fields::default();
    let order = fields.choice("order", request.order);
    let list = ListMessages {
        session_id: fields.id("session_id", request.session_id, SessionId),
        page: fields.page(request.page),
        per_page: fields.per_page(request.per_page, pages.default_messages, pages.max_messages),
        // No conversation comes near the bound; sums with it stay in range.
        after_sequence: fields
            .not_negative("after_sequence", request.after_sequence)
            .min(i64::MAX / 4),
        descending: order == Some(MessageOrder::Descending),
    };
    fields.check()?;
    Ok(list)
}

pub(in crate::grpc::sessions) fn to_list_messages(
    list: &ListMessages,
    listing: Listing,
) -> pb::ListMessagesResponse {
    let Listing { title, total_messages, messages } = listing;
    let total = (total_messages - list.after_sequence).max(0);
    pb::ListMessagesResponse {
        messages: messages.into_iter().map(to_message).collect(),
        pagination: Some(pagination(list.page, list.per_page, total)),
        session_info: Some(pb::SessionInfo { id: list.session_id.0, title, total_messages }),
    }
}

pub(in crate::grpc) fn to_message(message: message::Model) -> pb::Message {
    let role = match message.role {
        Role::User => pb::Role::User,
        Role::Assistant => pb::Role::Assistant,
    };
    let finish_reason = match message.finish_reason {
        None => pb::FinishReason::Unspecified,
        Some(FinishReason::Stop) => pb::FinishReason::Stop,
        Some(FinishReason::Error) => pb::FinishReason::Error,
        Some(FinishReason::Deadline) => pb::FinishReason::Deadline,
        Some(FinishReason::Cancelled) => pb::FinishReason::Cancelled,
    };
    pb::Message {
        id: message.id.0,
        session_id: message.chat_session_id.0,
        run_id: message.run_id.0,
        role: role.into(),
        content: message.content,
        sql_query: message.sql_query.unwrap_or_default(),
        sequence_order: message.sequence_order,
        message_metadata: Some(to_struct(message.message_metadata)),
        finish_reason: finish_reason.into(),
        created_at: Some(to_timestamp(message.created_at)),
    }
}

fn to_struct(metadata: Metadata) -> Struct {
    // Exact below 2^53, which no count and no time comes near.
    let number = |it| Kind::NumberValue(it as f64);
    let values = [
        ("row_count", metadata.row_count.map(number)),
        ("truncated", metadata.truncated.map(Kind::BoolValue)),
        ("total_rows", metadata.total_rows.map(number)),
        ("execution_ms", metadata.execution_ms.map(number)),
        ("error_reason", metadata.error_reason.map(Kind::StringValue)),
    ];
    let mut fields = BTreeMap::new();
    for (name, kind) in values {
        if kind.is_some() {
            fields.insert(name.to_owned(), Value { kind });
        }
    }
    Struct { fields }
}
