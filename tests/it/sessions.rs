use proto::v1::{self as pb, SessionStatus, SessionStatusFilter};
use sea_orm::ConnectionTrait as _;
use tonic::{Code, Status};

use crate::harness::{Api, Expect as _, Harness, mask};

async fn update(api: &Api, request: pb::UpdateSessionRequest) -> Result<pb::Session, Status> {
    let response = api.sessions.clone().update_session(request).await?;
    Ok(response.into_inner().session.expect("it was changed"))
}

async fn delete(api: &Api, session_id: i64) {
    let request = pb::DeleteSessionRequest { session_id, ..Default::default() };
    api.sessions.clone().delete_session(request).await.ok_response();
}

async fn undelete(api: &Api, session_id: i64) -> pb::Session {
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    let response = api.sessions.clone().undelete_session(request).await.ok_response();
    response.session.expect("it is there")
}

/// The ids of all sessions that are listed, whatever their status.
async fn listed(api: &Api) -> Vec<i64> {
    let status = SessionStatusFilter::Any.into();
    let request = pb::ListSessionsRequest { status, ..Default::default() };
    let response = api.sessions.clone().list_sessions(request).await.ok_response();
    response.sessions.iter().map(|it| it.id).collect()
}

/// The ids of all runs that are listed.
async fn listed_runs(api: &Api) -> Vec<i64> {
    let response = api.runs.clone().list_runs(pb::ListRunsRequest::default()).await.ok_response();
    response.runs.iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn a_new_session_is_active_and_empty_and_has_its_title_without_white_space_around() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;

    let session = api.session(agent_id, " \t Vendas de março\n").await;
    let longest = api.session(agent_id, &format!("  {}  ", "é".repeat(200))).await;
    let blank = api.session(agent_id, " \n ").await;

    assert_eq!((session.agent_id, session.title.as_str()), (agent_id, "Vendas de março"));
    assert_eq!((session.status(), session.total_messages), (SessionStatus::Active, 0));
    assert_eq!((session.last_message.as_str(), session.context_summary.as_str()), ("", ""));
    assert_ne!(session.etag, "");
    assert!(session.created_at.is_some());
    assert_eq!(session.last_activity, session.created_at);
    assert_eq!(session.updated_at, session.created_at);
    assert_eq!(api.get_session(session.id).await, session);
    assert_eq!(longest.title, "é".repeat(200));
    assert_eq!(blank.title, "");
}

#[tokio::test]
async fn times_are_those_of_the_database_to_the_microsecond() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;

    for (written, seconds, nanos) in [
        ("2026-02-28 12:34:56.000001+00", 1_772_282_096, 1_000),
        ("2000-01-01 00:00:00+00", 946_684_800, 0),
        ("1999-12-31 23:59:59.999999+00", 946_684_799, 999_999_000),
        ("1969-12-31 23:59:59.5+00", -1, 500_000_000),
        ("0001-01-01 00:00:00+00", -62_135_596_800, 0),
    ] {
        harness.execute(&format!("UPDATE chat_sessions SET created_at = '{written}'")).await;

        let read = api.get_session(session.id).await.created_at;

        assert_eq!(read, Some(prost_types::Timestamp { seconds, nanos }), "{written}");
    }
}

#[tokio::test]
async fn a_session_shows_the_beginning_of_its_last_message() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;

    api.start(session.id, &"é".repeat(501)).await;

    let after = api.get_session(session.id).await;
    assert_eq!(after.last_message, "é".repeat(500));
    assert_eq!(after.total_messages, 1);
    let message = api.messages(session.id).await.remove(0);
    assert_eq!(after.last_activity, message.created_at);
    assert_eq!(message.content, "é".repeat(501));
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_without_one_what_is_set() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "before").await.id;
    let (active, archived) = (SessionStatus::Active, SessionStatus::Archived);

    for (paths, title, status, expected) in [
        (None, " one ", SessionStatus::Unspecified, ("one", active)),
        (None, "", archived, ("one", archived)),
        (None, "two", active, ("two", active)),
        (mask(&[]), "three", SessionStatus::Unspecified, ("three", active)),
        (mask(&["title"]), "four", archived, ("four", active)),
        (mask(&["status"]), "five", archived, ("four", archived)),
        (mask(&["title", "status"]), "six", active, ("six", active)),
        (mask(&["title"]), "", SessionStatus::Unspecified, ("", active)),
    ] {
        let request = pb::UpdateSessionRequest {
            session_id,
            title: title.to_owned(),
            status: status.into(),
            update_mask: paths,
            etag: String::new(),
            ..Default::default()
        };
        let after = update(&api, request.clone()).await.unwrap();
        assert_eq!((after.title.as_str(), after.status()), expected, "{request:?}");
        assert_eq!(api.get_session(session_id).await, after);
    }
}

#[tokio::test]
async fn an_etag_changes_with_the_title_and_the_status_and_not_with_messages() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "before").await;

    api.start(session.id, "a question").await;
    let asked = api.get_session(session.id).await;
    let title = "after".to_owned();
    let request = pb::UpdateSessionRequest { session_id: session.id, title, ..Default::default() };
    let renamed = update(&api, request).await.unwrap();
    let request = pb::UpdateSessionRequest {
        session_id: session.id,
        status: SessionStatus::Archived.into(),
        ..Default::default()
    };
    let archived = update(&api, request).await.unwrap();

    assert_eq!((asked.total_messages, &asked.etag), (1, &session.etag));
    assert_ne!(renamed.etag, session.etag);
    assert!(![&session.etag, &renamed.etag].contains(&&archived.etag), "{archived:?}");
}

#[tokio::test]
async fn an_update_with_another_etag_is_aborted_and_changes_nothing() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "before").await;
    let request = |title: &str, etag: &str| pb::UpdateSessionRequest {
        session_id: session.id,
        title: title.to_owned(),
        etag: etag.to_owned(),
        ..Default::default()
    };

    let first = update(&api, request("first", &session.etag)).await.unwrap();
    for etag in [session.etag.as_str(), "0", "-1", "not ours", "99999999999999999999"] {
        let outcome = api.sessions.clone().update_session(request("second", etag)).await;
        outcome.refused(Code::Aborted, "ETAG_MISMATCH");
    }

    assert_eq!(first.title, "first");
    assert_eq!(api.get_session(session.id).await, first);
}

#[tokio::test]
async fn of_updates_with_the_same_etag_one_succeeds() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "before").await;
    let attempt = |number: usize| {
        let request = pb::UpdateSessionRequest {
            session_id: session.id,
            title: format!("by {number}"),
            etag: session.etag.clone(),
            ..Default::default()
        };
        let mut sessions = api.sessions.clone();
        async move { sessions.update_session(request).await }
    };

    let outcomes = futures::future::join_all((0..8).map(attempt)).await;

    let (done, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((done.len(), refused.len()), (1, 7));
    for outcome in refused {
        outcome.refused(Code::Aborted, "ETAG_MISMATCH");
    }
    let winner = done.into_iter().next().unwrap().ok_response().session.unwrap();
    assert_eq!(api.get_session(session.id).await, winner);
}

#[tokio::test]
async fn a_deleted_session_is_hidden_from_every_call() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "gone").await.id;
    let run_id = api.start(session_id, "a question").await.id;

    delete(&api, session_id).await;

    let Api { mut sessions, mut runs, .. } = api.clone();
    let (title, question) = ("back".to_owned(), "more".to_owned());
    let (code, reason) = (Code::NotFound, "SESSION_NOT_FOUND");
    let request = pb::GetSessionRequest { session_id };
    sessions.get_session(request).await.refused(code, reason);
    let request = pb::UpdateSessionRequest { session_id, title, ..Default::default() };
    sessions.update_session(request).await.refused(code, reason);
    let request = pb::DeleteSessionRequest { session_id, ..Default::default() };
    sessions.delete_session(request).await.refused(code, reason);
    let request = pb::ListMessagesRequest { session_id, ..Default::default() };
    sessions.list_messages(request).await.refused(code, reason);
    let request = pb::ListRunsRequest { session_id, ..Default::default() };
    runs.list_runs(request).await.refused(code, reason);
    let request = pb::StartRunRequest { session_id, question, ..Default::default() };
    runs.start_run(request).await.refused(code, reason);
    let outcome = runs.get_run(pb::GetRunRequest { run_id }).await;
    outcome.refused(Code::NotFound, "RUN_NOT_FOUND");
    let outcome = runs.wait_run(pb::WaitRunRequest { run_id, timeout: None }).await;
    outcome.refused(Code::NotFound, "RUN_NOT_FOUND");
    assert_eq!(listed(&api).await, [0; 0]);
    assert_eq!(listed_runs(&api).await, [0; 0]);
}

#[tokio::test]
async fn an_undeleted_session_is_as_it_was() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session_id = api.session(api.penguins_agent().await, "back").await.id;
    let (run, _) = api.ask(session_id, "SELECT count(*) FROM penguins").await;
    let request = pb::UpdateSessionRequest {
        session_id,
        status: SessionStatus::Archived.into(),
        ..Default::default()
    };
    let before = update(&api, request).await.unwrap();
    let messages = api.messages(session_id).await;

    delete(&api, session_id).await;
    let restored = undelete(&api, session_id).await;

    assert_eq!(pb::Session { updated_at: before.updated_at, ..restored.clone() }, before);
    assert_eq!(api.get_session(session_id).await, restored);
    assert_eq!(api.messages(session_id).await, messages);
    assert_eq!(messages.len(), 2);
    assert_eq!(listed(&api).await, [session_id]);
    assert_eq!(listed_runs(&api).await, [run.id]);
    let (_, answer) = api.ask(session_id, "SELECT count(*) FROM penguins").await;
    assert_eq!((answer.content.as_str(), answer.sequence_order), ("344", 4));
}

#[tokio::test]
async fn a_session_that_is_not_deleted_is_left_alone_by_undelete() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "here").await;

    let same = undelete(&api, session.id).await;

    assert_eq!(same, session);
    assert_eq!(api.get_session(session.id).await, session);
}

#[tokio::test]
async fn a_session_can_be_brought_back_for_30_days_and_no_longer() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let age = async |age: &str| {
        let sql = format!(
            "UPDATE chat_sessions
             SET deleted_at = deleted_at - interval '{age}', purge_at = purge_at - interval '{age}'
             WHERE id = {session_id}"
        );
        harness.db.execute_unprepared(&sql).await.unwrap();
    };

    delete(&api, session_id).await;
    age("29 days 23 hours").await;
    let restored = undelete(&api, session_id).await;
    delete(&api, session_id).await;
    age("30 days").await;
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    let outcome = api.sessions.clone().undelete_session(request).await;

    assert_eq!(restored.id, session_id);
    outcome.refused(Code::NotFound, "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn a_new_run_makes_an_archived_session_active() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    let request = pb::UpdateSessionRequest {
        session_id,
        status: SessionStatus::Archived.into(),
        ..Default::default()
    };
    let archived = update(&api, request).await.unwrap();

    api.start(session_id, "a question").await;

    let after = api.get_session(session_id).await;
    assert_eq!(archived.status(), SessionStatus::Archived);
    assert_eq!((after.status(), after.total_messages), (SessionStatus::Active, 1));
    assert_ne!(after.etag, archived.etag);
}

#[tokio::test]
async fn conversations_of_a_deleted_agent_stay_readable_and_take_no_new_runs() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let session_id = api.session(agent_id, "").await.id;
    let run_id = api.start(session_id, "a question").await.id;
    let before = api.get_session(session_id).await;

    let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();

    let question = "more".to_owned();
    let in_session = pb::StartRunRequest { session_id, question, ..Default::default() };
    for request in [
        pb::StartRunRequest { agent_id, ..in_session.clone() },
        pb::StartRunRequest { agent_id, session_id: 0, ..in_session.clone() },
        in_session,
    ] {
        let outcome = api.runs.clone().start_run(request).await;
        outcome.refused(Code::FailedPrecondition, "AGENT_DELETED");
    }
    let request = pb::CreateSessionRequest { agent_id, title: String::new(), ..Default::default() };
    let outcome = api.sessions.clone().create_session(request).await;
    outcome.refused(Code::NotFound, "AGENT_NOT_FOUND");
    assert_eq!(api.get_session(session_id).await, before);
    assert_eq!(api.messages(session_id).await.len(), 1);
    assert_eq!(listed(&api).await, [session_id]);
    assert_eq!(listed_runs(&api).await, [run_id]);
}
