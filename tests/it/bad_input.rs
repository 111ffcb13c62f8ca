//! Every rpc names the fields that it refuses, all of them at once.

use std::fmt::Debug;

use prost_types::{Duration, Timestamp};
use proto::v1 as pb;
use tonic::{Response, Status};

use crate::harness::{Expect as _, Harness, mask};

mod agents;
mod data_sources;
mod runs;

/// Asserts that each request is refused for its fields, in this order.
async fn check<Q: Debug, A: Debug>(
    call: impl AsyncFn(Q) -> Result<Response<A>, Status>,
    cases: impl IntoIterator<Item = (Q, &'static str)>,
) {
    for (request, fields) in cases {
        let shown: String = format!("{request:?}").chars().take(300).collect();
        // Shown only if the test fails.
        eprintln!("{fields}: {shown}");
        call(request).await.invalid(&fields.split(' ').collect::<Vec<_>>());
    }
}

/// What is no title and no name.
fn bad_lines() -> [String; 6] {
    let long = ["a".repeat(201), "é".repeat(201)];
    let [a, b] = long;
    [a, b, "a\0b".to_owned(), "a\nb".to_owned(), "a\u{1b}b".to_owned(), "a\u{9f}b".to_owned()]
}

/// What is not a UUID in its usual form, or of no use.
fn bad_request_ids() -> [String; 5] {
    let bad = [
        "7",
        " 936da01f-9abd-4d9d-80c7-02af85c822a8",
        "936da01f9abd4d9d80c702af85c822a8",
        "936da01f-9abd-4d9d-80c7-02af85c822ag",
        "00000000-0000-0000-0000-000000000000",
    ];
    bad.map(str::to_owned)
}

/// What is no question and no instruction.
fn bad_texts() -> [String; 3] {
    ["a".repeat(8_001), "é".repeat(8_001), "a\0b".to_owned()]
}

fn bad_times() -> Vec<Option<Timestamp>> {
    let parts = [
        (0, -1),
        (0, 1_000_000_000),
        (-62_135_596_801, 0),
        (253_402_300_800, 0),
        (i64::MIN, 0),
        (i64::MAX, 0),
    ];
    parts.map(|(seconds, nanos)| Some(Timestamp { seconds, nanos })).to_vec()
}

fn negative_waits() -> [Option<Duration>; 3] {
    [(-1, 0), (0, -1), (i64::MIN, 0)].map(|(seconds, nanos)| Some(Duration { seconds, nanos }))
}

/// Asserts that rpcs refuse what is no id.
macro_rules! check_ids {
    ($client:expr, $field:ident: $($rpc:ident $request:ident),*) => {$(
        check(
            async |request| $client.clone().$rpc(request).await,
            [0, -1, i64::MIN].map(|id| {
                let mut request = pb::$request::default();
                request.$field = id;
                (request, stringify!($field))
            }),
        )
        .await;
    )*};
}

#[tokio::test]
async fn what_is_no_id_is_refused_everywhere() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);

    check_ids!(
        api.sessions, session_id:
        get_session GetSessionRequest,
        delete_session DeleteSessionRequest,
        undelete_session UndeleteSessionRequest,
        list_messages ListMessagesRequest
    );
    check_ids!(
        api.runs, run_id:
        get_run GetRunRequest,
        wait_run WaitRunRequest,
        cancel_run CancelRunRequest,
        get_run_result GetRunResultRequest
    );
    check_ids!(
        api.agents, agent_id: get_agent GetAgentRequest, delete_agent DeleteAgentRequest
    );
    check_ids!(
        api.sources, data_source_id:
        get_data_source GetDataSourceRequest,
        delete_data_source DeleteDataSourceRequest,
        get_schema GetSchemaRequest,
        refresh_schema RefreshSchemaRequest,
        test_data_source TestDataSourceRequest
    );
}

#[tokio::test]
async fn bad_sessions_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let session = api.session(agent_id, "as it was").await;

    let create = |agent_id, title: String| pb::CreateSessionRequest {
        agent_id,
        title,
        ..Default::default()
    };
    let mut cases = vec![
        (create(0, String::new()), "agent_id"),
        (create(-1, String::new()), "agent_id"),
        (create(0, "\0".repeat(201)), "agent_id title title"),
    ];
    cases.extend(bad_lines().map(|title| (create(agent_id, title), "title")));
    check(async |it| api.sessions.clone().create_session(it).await, cases).await;

    let plain = pb::UpdateSessionRequest { session_id: session.id, ..Default::default() };
    let update = |title: &str, status, paths: &[&str]| pb::UpdateSessionRequest {
        title: title.to_owned(),
        status,
        update_mask: mask(paths),
        ..plain.clone()
    };
    let nothing = pb::UpdateSessionRequest::default();
    let all = pb::UpdateSessionRequest { session_id: -1, ..update("\0", 3, &["etag", "title"]) };
    let mut cases = vec![
        (plain.clone(), "update_mask"),
        (nothing, "session_id update_mask"),
        (all, "session_id update_mask title"),
        (update("new", 0, &["id"]), "update_mask"),
        (update("new", 0, &["title", "Title"]), "update_mask"),
        (update("new", 0, &["title", "etag", "x"]), "update_mask"),
        (update("new", 0, &["title", ""]), "update_mask"),
        (update("new", 0, &["title", "status"]), "status"),
        (update("new", 3, &[]), "status"),
        (update("new", -1, &["status"]), "status"),
    ];
    cases.extend(bad_lines().map(|title| (update(&title, 0, &[]), "title")));
    check(async |it| api.sessions.clone().update_session(it).await, cases).await;

    assert_eq!(api.get_session(session.id).await, session);
}

#[tokio::test]
async fn bad_lists_of_sessions_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let plain = pb::ListSessionsRequest::default();
    let of_page = |page, per_page| pb::ListSessionsRequest { page, per_page, ..plain.clone() };
    let search = |search: String| pb::ListSessionsRequest { search, ..plain.clone() };

    let mut cases = vec![
        (of_page(-1, 0), "page"),
        (of_page(i32::MIN, 0), "page"),
        (of_page(0, -1), "per_page"),
        (of_page(-1, i32::MIN), "per_page page"),
        (search("a".repeat(201)), "search"),
        (search("a\0b".to_owned()), "search"),
        (pb::ListSessionsRequest { agent_id: -1, ..plain.clone() }, "agent_id"),
        (pb::ListSessionsRequest { status: 4, ..plain.clone() }, "status"),
        (pb::ListSessionsRequest { status: -1, ..plain.clone() }, "status"),
        (pb::ListSessionsRequest { min_messages: -1, ..plain.clone() }, "min_messages"),
        (pb::ListSessionsRequest { min_messages: i64::MIN, ..plain.clone() }, "min_messages"),
        (
            pb::ListSessionsRequest {
                page: -1,
                per_page: -1,
                page_token: "!".to_owned(),
                agent_id: -1,
                status: 99,
                search: "\0".to_owned(),
                min_messages: -1,
                created_after: bad_times()[0],
                created_before: bad_times()[1],
            },
            "per_page page_token page search status min_messages agent_id created_after \
             created_before page_token",
        ),
    ];
    for time in bad_times() {
        let after = pb::ListSessionsRequest { created_after: time, ..plain.clone() };
        let before = pb::ListSessionsRequest { created_before: time, ..plain.clone() };
        cases.extend([(after, "created_after"), (before, "created_before")]);
    }
    check(async |it| api.sessions.clone().list_sessions(it).await, cases).await;

    let (early, late) = ((-62_135_596_800, 0), (253_402_300_799, 999_999_999));
    for (seconds, nanos) in [early, late] {
        let time = Some(Timestamp { seconds, nanos });
        let request = pb::ListSessionsRequest {
            created_after: time,
            created_before: time,
            search: "é".repeat(200),
            min_messages: i64::MAX,
            ..plain.clone()
        };
        let response = api.sessions.clone().list_sessions(request).await.ok_response();
        assert_eq!(response.sessions, []);
    }
}

#[tokio::test]
async fn bad_lists_of_messages_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let plain = pb::ListMessagesRequest { session_id, ..Default::default() };
    let everything = pb::ListMessagesRequest {
        session_id: -1,
        page: -1,
        per_page: -1,
        order: 99,
        after_sequence: -1,
    };

    let cases = [
        (pb::ListMessagesRequest { page: -1, ..plain }, "page"),
        (pb::ListMessagesRequest { page: i32::MIN, ..plain }, "page"),
        (pb::ListMessagesRequest { per_page: -1, ..plain }, "per_page"),
        (pb::ListMessagesRequest { order: 3, ..plain }, "order"),
        (pb::ListMessagesRequest { order: -1, ..plain }, "order"),
        (pb::ListMessagesRequest { after_sequence: -1, ..plain }, "after_sequence"),
        (pb::ListMessagesRequest { after_sequence: i64::MIN, ..plain }, "after_sequence"),
        (everything, "order session_id page per_page after_sequence"),
    ];
    check(async |it| api.sessions.clone().list_messages(it).await, cases).await;
}

#[tokio::test]
async fn bad_searches_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let plain = pb::SearchMessagesRequest { query: "sales".to_owned(), ..Default::default() };
    let of = |query: String| pb::SearchMessagesRequest { query, ..plain.clone() };
    let everything = pb::SearchMessagesRequest {
        query: "\0".repeat(1_001),
        mode: 99,
        limit: -1,
        session_id: -1,
        agent_id: -1,
        role: 99,
        created_after: bad_times()[0],
        created_before: bad_times()[1],
    };

    let mut cases = vec![
        (pb::SearchMessagesRequest::default(), "query"),
        (of(" \n\t".to_owned()), "query"),
        (of("a\0b".to_owned()), "query"),
        (of("é".repeat(1_001)), "query"),
        (pb::SearchMessagesRequest { mode: 4, ..plain.clone() }, "mode"),
        (pb::SearchMessagesRequest { mode: -1, ..plain.clone() }, "mode"),
        (pb::SearchMessagesRequest { limit: -1, ..plain.clone() }, "limit"),
        (pb::SearchMessagesRequest { limit: i32::MIN, ..plain.clone() }, "limit"),
        (pb::SearchMessagesRequest { session_id: -1, ..plain.clone() }, "session_id"),
        (pb::SearchMessagesRequest { agent_id: i64::MIN, ..plain.clone() }, "agent_id"),
        (pb::SearchMessagesRequest { role: 3, ..plain.clone() }, "role"),
        (
            everything,
            "mode limit session_id agent_id role created_after created_before query query",
        ),
    ];
    for time in bad_times() {
        let after = pb::SearchMessagesRequest { created_after: time, ..plain.clone() };
        let before = pb::SearchMessagesRequest { created_before: time, ..plain.clone() };
        cases.extend([(after, "created_after"), (before, "created_before")]);
    }
    check(async |it| api.sessions.clone().search_messages(it).await, cases).await;

    let longest = of("é".repeat(1_000));
    assert_eq!(api.sessions.clone().search_messages(longest).await.ok_response().hits, []);
}
