//! SessionService.

use proto::v1 as pb;

use super::{Cell, sent};
use crate::ownership::things::Things;

const CREATE: &str = "SessionService/CreateSession";
const GET: &str = "SessionService/GetSession";
const LIST: &str = "SessionService/ListSessions";
const UPDATE: &str = "SessionService/UpdateSession";
const DELETE: &str = "SessionService/DeleteSession";
const UNDELETE: &str = "SessionService/UndeleteSession";
const LIST_MESSAGES: &str = "SessionService/ListMessages";
const SEARCH: &str = "SessionService/SearchMessages";

const NO_AGENT: &str = "AGENT_NOT_FOUND";
const NO_SESSION: &str = "SESSION_NOT_FOUND";

pub(super) fn cells() -> Vec<Cell> {
    let stay = "one's conversations with a deleted agent stay";
    let undeleted = "one's own deleted session is what it is for";
    vec![
        Cell::new(CREATE, "agent_id", NO_AGENT, |_, it| vec![sent(create(it.agent, ""))]),
        Cell::request_id(CREATE, NO_AGENT, |_, it| vec![sent(create(i64::MAX, &it.request_id))]),
        Cell::new(GET, "session_id", NO_SESSION, |_, it| {
            vec![sent(pb::GetSessionRequest { session_id: it.session })]
        }),
        Cell::new(LIST, "agent_id", "OK", |_, it| [0, 2].map(|page| of_agent(it, page)).into())
            .but_deleted(stay),
        Cell::new(LIST, "page_token", "OK", |_, it| {
            let page_token = it.tokens.sessions.clone();
            vec![sent(pb::ListSessionsRequest { page_token, ..Default::default() })]
        }),
        Cell::new(UPDATE, "session_id", NO_SESSION, |_, it| {
            ["", "1", "2"].map(|etag| sent(update(it.session, etag, ""))).into()
        }),
        Cell::request_id(UPDATE, NO_SESSION, |_, it| {
            vec![sent(update(i64::MAX, "", &it.request_id))]
        }),
        Cell::new(DELETE, "session_id", NO_SESSION, |_, it| vec![sent(delete(it.session, ""))]),
        Cell::request_id(DELETE, NO_SESSION, |_, it| vec![sent(delete(i64::MAX, &it.request_id))]),
        Cell::new(UNDELETE, "session_id", NO_SESSION, |_, it| vec![sent(undelete(it.session, ""))])
            .but_deleted(undeleted),
        Cell::request_id(UNDELETE, NO_SESSION, |_, it| {
            vec![sent(undelete(i64::MAX, &it.request_id))]
        }),
        Cell::new(LIST_MESSAGES, "session_id", NO_SESSION, |_, it| {
            [(0, 0), (2, 0), (1, 1)].map(|(order, after)| messages(it, order, after)).into()
        }),
        Cell::new(SEARCH, "session_id", NO_SESSION, |own, it| {
            [0, own.agent, it.agent].into_iter().flat_map(|id| searches(it.session, id)).collect()
        }),
        Cell::new(SEARCH, "agent_id", NO_AGENT, |own, it| {
            [0, own.session].into_iter().flat_map(|id| searches(id, it.agent)).collect()
        })
        .but_deleted(stay),
    ]
}

fn create(agent_id: i64, request_id: &str) -> pb::CreateSessionRequest {
    let request_id = request_id.to_owned();
    pb::CreateSessionRequest { agent_id, request_id, ..Default::default() }
}

fn of_agent(it: &Things, page: i32) -> super::Sent {
    let status = pb::SessionStatusFilter::Any.into();
    sent(pb::ListSessionsRequest { agent_id: it.agent, page, status, ..Default::default() })
}

fn update(session_id: i64, etag: &str, request_id: &str) -> pb::UpdateSessionRequest {
    let [title, etag, request_id] = ["mine", etag, request_id].map(str::to_owned);
    let status = pb::SessionStatus::Archived.into();
    pb::UpdateSessionRequest { session_id, title, status, etag, request_id, ..Default::default() }
}

fn delete(session_id: i64, request_id: &str) -> pb::DeleteSessionRequest {
    pb::DeleteSessionRequest { session_id, request_id: request_id.to_owned() }
}

fn undelete(session_id: i64, request_id: &str) -> pb::UndeleteSessionRequest {
    pb::UndeleteSessionRequest { session_id, request_id: request_id.to_owned() }
}

fn messages(it: &Things, order: i32, after_sequence: i64) -> super::Sent {
    let session_id = it.session;
    sent(pb::ListMessagesRequest { session_id, order, after_sequence, ..Default::default() })
}

/// In each mode.
fn searches(session_id: i64, agent_id: i64) -> [super::Sent; 4] {
    [0, 1, 2, 3].map(|mode| {
        let query = "question".to_owned();
        sent(pb::SearchMessagesRequest { query, mode, session_id, agent_id, ..Default::default() })
    })
}
