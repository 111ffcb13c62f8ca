//! Between SessionService's wire types and ours.

mod messages;

use std::mem;

use proto::v1::{self as pb, SessionStatusFilter};
use storage::{
    AgentId, SessionId,
    entity::chat_session::{self, Status},
    idempotency::Request,
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

pub(in crate::grpc) use messages::to_message;
pub(super) use messages::{list_messages, to_list_messages};

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
