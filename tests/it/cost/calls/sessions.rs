use proto::v1::{self as pb, MessageOrder};

use super::{Meter, Stage};
use crate::harness::{Expect as _, mask, random_uuid};

pub(super) async fn make(stage: &Stage, meter: &mut impl Meter) {
    write(stage, meter).await;
    read(stage, meter).await;
    list(stage, meter).await;
}

async fn write(Stage { api, agent, other_session, .. }: &Stage, meter: &mut impl Meter) {
    let mut sessions = api.sessions.clone();
    let create = pb::CreateSessionRequest {
        agent_id: *agent,
        title: "a title".to_owned(),
        request_id: String::new(),
    };
    let call = sessions.create_session(create.clone());
    let created = meter.of("SessionService/CreateSession", call).await.ok_response();
    let session_id = created.session.expect("it was created").id;
    let again = pb::CreateSessionRequest { request_id: random_uuid(), ..create };
    let call = sessions.create_session(again.clone());
    meter.of("SessionService/CreateSession:request-id", call).await.ok_response();
    let call = sessions.create_session(again);
    meter.of("SessionService/CreateSession:repeated", call).await.ok_response();

    let request = pb::UpdateSessionRequest {
        session_id,
        title: "another".to_owned(),
        update_mask: mask(&["title"]),
        ..Default::default()
    };
    meter.of("SessionService/UpdateSession", sessions.update_session(request)).await.ok_response();
    let session_id = *other_session;
    let request = pb::DeleteSessionRequest { session_id, ..Default::default() };
    meter.of("SessionService/DeleteSession", sessions.delete_session(request)).await.ok_response();
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    let call = sessions.undelete_session(request);
    meter.of("SessionService/UndeleteSession", call).await.ok_response();
}

pub(super) async fn read(Stage { api, session, .. }: &Stage, meter: &mut impl Meter) {
    let mut sessions = api.sessions.clone();
    let request = pb::GetSessionRequest { session_id: *session };
    meter.of("SessionService/GetSession", sessions.get_session(request)).await.ok_response();
    let list = pb::ListMessagesRequest { session_id: *session, per_page: 3, ..Default::default() };
    let call = sessions.list_messages(list);
    meter.of("SessionService/ListMessages", call).await.ok_response();
    let newest = pb::ListMessagesRequest { order: MessageOrder::Descending.into(), ..list };
    let call = sessions.list_messages(newest);
    meter.of("SessionService/ListMessages:newest-first", call).await.ok_response();
    let request = pb::SearchMessagesRequest { query: "penguins".to_owned(), ..Default::default() };
    let call = sessions.search_messages(request);
    meter.of("SessionService/SearchMessages", call).await.ok_response();
}

pub(super) async fn list(Stage { api, .. }: &Stage, meter: &mut impl Meter) {
    let mut sessions = api.sessions.clone();
    let list = pb::ListSessionsRequest { per_page: 1, ..Default::default() };
    let call = sessions.list_sessions(list.clone());
    let first = meter.of("SessionService/ListSessions", call).await.ok_response();
    let pagination = first.pagination.expect("lists have it");
    let page_token = pagination.next_page_token;
    let next = pb::ListSessionsRequest { page_token, ..list.clone() };
    let call = sessions.list_sessions(next);
    meter.of("SessionService/ListSessions:by-token", call).await.ok_response();
    let searched = pb::ListSessionsRequest { search: "title".to_owned(), ..list };
    let call = sessions.list_sessions(searched);
    meter.of("SessionService/ListSessions:searched", call).await.ok_response();
}
