//! Between SessionService's wire types and ours.

use std::{collections::BTreeMap, mem};

use prost_types::{Struct, Value, value};
use proto::v1::{self as pb, MessageOrder, SessionStatusFilter};
use storage::{
    AgentId, SessionId,
    entity::{
        chat_session::{self, Status},
        message::{self, FinishReason, Role},
    },
    idempotency::Request,
    messages::{Listing, Range},
    page::Page,
    sessions::{Changes, Filter, Position},
};

use crate::{
    Error,
    grpc::{
        fields::Fields,
        page_token,
        time::{Round, to_timestamp},
    },
    limits::{PageLimits, TextLimits},
};

const MAX_SEARCH_CHARS: usize = 200;

pub(super) fn create_session(
    mut request: pb::CreateSessionRequest,
    texts: TextLimits,
) -> Result<(Option<Request>, AgentId, String), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("CreateSession", &request, &request_id);
    let agent_id = fields.id("agent_id", request.agent_id, AgentId);
    let title = fields.line("title", &request.title, texts.title);
    fields.check()?;
    Ok((repeatable, agent_id, title))
}

pub(super) fn delete_session(
    mut request: pb::DeleteSessionRequest,
) -> Result<(Option<Request>, SessionId), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("DeleteSession", &request, &request_id);
    let id = fields.id("session_id", request.session_id, SessionId);
    fields.check()?;
    Ok((repeatable, id))
}

pub(super) fn undelete_session(
    mut request: pb::UndeleteSessionRequest,
) -> Result<(Option<Request>, SessionId), Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("UndeleteSession", &request, &request_id);
    let id = fields.id("session_id", request.session_id, SessionId);
    fields.check()?;
    Ok((repeatable, id))
}

pub(super) fn session_id(value: i64) -> Result<SessionId, Error> {
    let mut fields = Fields::default();
    let id = fields.id("session_id", value, SessionId);
    fields.check()?;
    Ok(id)
}

/// A list of sessions that was asked for.
pub(super) struct ListSessions {
    pub filter: Filter,
    pub per_page: u32,
    pub start: Start,
    /// Of the filters, for the next page's token.
    pub fingerprint: u64,
}

pub(super) enum Start {
    Page(u32),
    After(Position),
}

pub(super) fn list_sessions(
    request: pb::ListSessionsRequest,
    pages: &PageLimits,
) -> Result<ListSessions, Error> {
    let mut fields = Fields::default();
    let per_page = fields.per_page(request.per_page, pages.default_sessions, pages.max_sessions);
    if request.page != 0 && !request.page_token.is_empty() {
        fields.refuse("page_token", "excludes page");
    }
    let page = fields.page(request.page);
    let filter = filter(&mut fields, &request);
    let fingerprint = page_token::fingerprint(&filter);
    let start = match fields.position_token(&request.page_token, fingerprint) {
        Some(position) => Start::After(position),
        None => Start::Page(page),
    };
    fields.check()?;
    Ok(ListSessions { filter, per_page, start, fingerprint })
}

fn filter(fields: &mut Fields, request: &pb::ListSessionsRequest) -> Filter {
    if MAX_SEARCH_CHARS < request.search.chars().count() {
        fields.refuse("search", format!("must not have more than {MAX_SEARCH_CHARS} characters"));
    }
    fields.no_nul("search", &request.search);
    let status = match fields.choice("status", request.status) {
        None | Some(SessionStatusFilter::Unspecified | SessionStatusFilter::Active) => {
            Some(Status::Active)
        }
        Some(SessionStatusFilter::Archived) => Some(Status::Archived),
        Some(SessionStatusFilter::Any) => None,
    };
    let min_messages = fields.not_negative("min_messages", request.min_messages);
    Filter {
        agent_id: fields.optional_id("agent_id", request.agent_id, AgentId),
        status,
        search: Some(request.search.clone()).filter(|text| !text.is_empty()),
        min_messages: (min_messages != 0).then_some(min_messages),
        created_after: fields.time("created_after", request.created_after, Round::Down),
        created_before: fields.time("created_before", request.created_before, Round::Up),
    }
}

pub(super) fn to_list_sessions(
    list: &ListSessions,
    page: Page<chat_session::Model, Position>,
    total: Option<u64>,
) -> pb::ListSessionsResponse {
    let next = page.next.map(|position| page_token::of_position(list.fingerprint, position));
    let pagination = match (&list.start, total) {
        (Start::Page(number), Some(total)) => pb::Pagination {
            next_page_token: next.unwrap_or_default(),
            ..pagination(*number, list.per_page, i64::try_from(total).unwrap_or(i64::MAX))
        },
        _ => page_token::to_pagination(list.per_page, true, next),
    };
    let sessions = page.items.into_iter().map(to_session).collect();
    pb::ListSessionsResponse { sessions, pagination: Some(pagination) }
}

/// Where page `number` lies among `total` items.
pub(in crate::grpc) fn pagination(number: u32, per_page: u32, total: i64) -> pb::Pagination {
    let total_pages = (total + i64::from(per_page) - 1) / i64::from(per_page);
    pb::Pagination {
        page: number.cast_signed(),
        per_page: per_page.cast_signed(),
        total_items: total,
        total_pages,
        has_next: i64::from(number) < total_pages,
        has_prev: 1 < number,
        next_page_token: String::new(),
    }
}

/// A change of a session that was asked for.
pub(super) struct UpdateSession {
    pub request: Option<Request>,
    pub id: SessionId,
    pub changes: Changes,
    pub etag: Option<i64>,
}

pub(super) fn update_session(
    mut request: pb::UpdateSessionRequest,
    texts: TextLimits,
) -> Result<UpdateSession, Error> {
    let mut fields = Fields::default();
    let request_id = mem::take(&mut request.request_id);
    let repeatable = fields.request("UpdateSession", &request, &request_id);
    let id = fields.id("session_id", request.session_id, SessionId);
    let known = [("title", !request.title.is_empty()), ("status", request.status != 0)];
    let mask = fields.mask(request.update_mask, &known);
    let mut changes = Changes::default();
    if mask.contains(&"title") {
        changes.title = Some(fields.line("title", &request.title, texts.title));
    }
    if mask.contains(&"status") {
        changes.status = match fields.choice("status", request.status) {
            Some(pb::SessionStatus::Active) => Some(Status::Active),
            Some(pb::SessionStatus::Archived) => Some(Status::Archived),
            Some(pb::SessionStatus::Unspecified) | None if request.status == 0 => {
                fields.refuse("status", "is required if update_mask names it");
                None
            }
            Some(pb::SessionStatus::Unspecified) | None => None,
        };
    }
    fields.check()?;
    // What does not read as we print it is none of ours: not the present one.
    let etag = Some(request.etag).filter(|etag| !etag.is_empty()).map(|etag| {
        etag.parse().ok().filter(|number: &i64| number.to_string() == etag).unwrap_or_default()
    });
    Ok(UpdateSession { request: repeatable, id, changes, etag })
}

pub(super) fn to_session(session: chat_session::Model) -> pb::Session {
    let status = match session.status {
        Status::Active => pb::SessionStatus::Active,
        Status::Archived => pb::SessionStatus::Archived,
    };
    pb::Session {
        id: session.id.0,
        agent_id: session.agent_id.0,
        title: session.title,
        status: status.into(),
        total_messages: session.total_messages,
        last_activity: Some(to_timestamp(session.last_activity)),
        last_message: session.last_message,
        context_summary: session.context_summary,
        etag: session.etag.to_string(),
        created_at: Some(to_timestamp(session.created_at)),
        updated_at: Some(to_timestamp(session.updated_at)),
    }
}

/// A list of messages that was asked for.
pub(super) struct ListMessages {
    pub session_id: SessionId,
    page: u32,
    per_page: u32,
    after_sequence: i64,
    descending: bool,
}

impl ListMessages {
    pub(super) fn range(&self) -> Range {
        Range {
            after_sequence: self.after_sequence,
            skip: i64::from(self.page - 1) * i64::from(self.per_page),
            limit: i64::from(self.per_page),
            descending: self.descending,
        }
    }
}

pub(super) fn list_messages(
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

pub(super) fn to_list_messages(list: &ListMessages, listing: Listing) -> pb::ListMessagesResponse {
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

/// A JSON object's numbers, strings and booleans; what is stored has no others.
fn to_struct(json: serde_json::Value) -> Struct {
    let serde_json::Value::Object(object) = json else { return Struct::default() };
    let fields: BTreeMap<String, Value> = object
        .into_iter()
        .map(|(name, value)| {
            let kind = match value {
                serde_json::Value::Bool(it) => value::Kind::BoolValue(it),
                serde_json::Value::String(it) => value::Kind::StringValue(it),
                it => value::Kind::NumberValue(it.as_f64().unwrap_or_default()),
            };
            (name, Value { kind: Some(kind) })
        })
        .collect();
    Struct { fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(number: u32, per_page: u32, total: i64, pages: i64, next: bool, prev: bool) {
        let it = pagination(number, per_page, total);
        assert_eq!((it.total_pages, it.has_next, it.has_prev), (pages, next, prev));
    }

    #[test]
    fn pages_are_counted_to_the_last_item() {
        check(1, 20, 0, 0, false, false);
        check(1, 20, 20, 1, false, false);
        check(1, 20, 21, 2, true, false);
        check(2, 20, 21, 2, false, true);
        check(9, 20, 21, 2, false, true);
    }
}
