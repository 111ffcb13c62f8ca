mod data_sources;

use proto::v1::{self as pb, SessionStatusFilter, create_data_source_request::Kind};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{Api, Expect as _, Harness};

/// Ids of what one user has.
#[derive(Clone, Copy, Debug)]
struct Things {
    source: i64,
    database: i64,
    agent: i64,
    session: i64,
    run: i64,
}

/// No id is as large.
const NEVER: i64 = 1 << 60;

async fn database(api: &Api) -> i64 {
    let postgres = pb::PostgresSource {
        host: "db.example.com".to_owned(),
        database: "sales".to_owned(),
        user: "reader".to_owned(),
        password: "secret".to_owned(),
        ..Default::default()
    };
    let kind = Some(Kind::Postgres(postgres));
    let request =
        pb::CreateDataSourceRequest { name: "Sales".to_owned(), kind, ..Default::default() };
    let response = api.sources.clone().create_data_source(request).await.ok_response();
    response.data_source.expect("it was created").id
}

async fn things(api: &Api) -> Things {
    let source = api.dataset().await;
    let agent = api.agent_on(source).await;
    let session = api.session(agent, "a title").await.id;
    let run = api.start(session, "a question").await.id;
    Things { source, database: database(api).await, agent, session, run }
}

async fn delete(api: &Api, things: Things) {
    let Api { mut sessions, mut agents, mut sources, .. } = api.clone();
    let request = pb::DeleteSessionRequest { session_id: things.session, ..Default::default() };
    sessions.delete_session(request).await.ok_response();
    let request = pb::DeleteAgentRequest { agent_id: things.agent, ..Default::default() };
    agents.delete_agent(request).await.ok_response();
    for data_source_id in [things.source, things.database] {
        let request = pb::DeleteDataSourceRequest { data_source_id, ..Default::default() };
        sources.delete_data_source(request).await.ok_response();
    }
}

/// A user who has nothing that is not deleted, and one who has.
async fn strangers() -> (Harness, [Things; 2]) {
    let harness = Harness::without_worker().await;
    let foreign = things(&harness.api(2)).await;
    let deleted = things(&harness.api(1)).await;
    delete(&harness.api(1), deleted).await;
    (harness, [foreign, deleted])
}

/// Asserts that a call gives the same refusal, to the byte, for all these ids.
async fn check(
    rpc: &str,
    ids: impl IntoIterator<Item = i64>,
    reason: &str,
    call: impl AsyncFn(i64) -> Result<(), Status>,
) {
    let unknown = call(NEVER).await.expect_err(rpc);
    let info = unknown.get_details_error_info().expect(rpc);
    let found = (unknown.code(), info.reason.as_str(), info.domain.as_str());
    assert_eq!(found, (Code::NotFound, reason, "tertulia.v1"), "{rpc}");

    for id in ids {
        let status = call(id).await.expect_err(rpc);
        let found = (status.code(), status.message(), status.details());
        assert_eq!(found, (unknown.code(), unknown.message(), unknown.details()), "{rpc}");
    }
}

#[tokio::test]
async fn sessions_of_others_and_deleted_ones_are_as_if_they_had_never_been() {
    let (harness, things) = strangers().await;
    let api = &harness.api(1);
    let ids = things.map(|it| it.session);
    let foreign = harness.api(2).get_session(ids[0]).await;
    let foreign_deleted = self::things(&harness.api(2)).await;
    delete(&harness.api(2), foreign_deleted).await;
    let reason = "SESSION_NOT_FOUND";

    check("GetSession", ids, reason, async |session_id| {
        let request = pb::GetSessionRequest { session_id };
        api.sessions.clone().get_session(request).await.map(drop)
    })
    .await;
    for etag in ["", "1", "2"] {
        check("UpdateSession", ids, reason, async |session_id| {
            let (title, etag) = ("mine".to_owned(), etag.to_owned());
            let request =
                pb::UpdateSessionRequest { session_id, title, etag, ..Default::default() };
            api.sessions.clone().update_session(request).await.map(drop)
        })
        .await;
    }
    check("DeleteSession", ids, reason, async |session_id| {
        let request = pb::DeleteSessionRequest { session_id, ..Default::default() };
        api.sessions.clone().delete_session(request).await.map(drop)
    })
    .await;
    // One's own deleted one is what it is for.
    check("UndeleteSession", [ids[0], foreign_deleted.session], reason, async |session_id| {
        let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
        api.sessions.clone().undelete_session(request).await.map(drop)
    })
    .await;
    check("ListMessages", ids, reason, async |session_id| {
        let request = pb::ListMessagesRequest { session_id, ..Default::default() };
        api.sessions.clone().list_messages(request).await.map(drop)
    })
    .await;
    check("ListRuns", ids, reason, async |session_id| {
        let request = pb::ListRunsRequest { session_id, ..Default::default() };
        api.runs.clone().list_runs(request).await.map(drop)
    })
    .await;
    for mode in 0..=3 {
        check("SearchMessages", ids, reason, async |session_id| {
            let query = "question".to_owned();
            let request =
                pb::SearchMessagesRequest { query, mode, session_id, ..Default::default() };
            api.sessions.clone().search_messages(request).await.map(drop)
        })
        .await;
    }
    for agent_id in [0, things[0].agent, NEVER] {
        check("StartRun", ids, reason, async |session_id| {
            let question = "a question".to_owned();
            let request =
                pb::StartRunRequest { session_id, agent_id, question, ..Default::default() };
            api.runs.clone().start_run(request).await.map(drop)
        })
        .await;
    }

    assert_eq!(harness.api(2).get_session(ids[0]).await, foreign);
    assert_eq!(foreign.total_messages, 1);
}

#[tokio::test]
async fn runs_of_others_and_of_deleted_sessions_are_as_if_they_had_never_been() {
    let (harness, things) = strangers().await;
    let api = &harness.api(1);
    let ids = things.map(|it| it.run);

    check("GetRun", ids, "RUN_NOT_FOUND", async |run_id| {
        api.runs.clone().get_run(pb::GetRunRequest { run_id }).await.map(drop)
    })
    .await;
    check("WaitRun", ids, "RUN_NOT_FOUND", async |run_id| {
        api.runs.clone().wait_run(pb::WaitRunRequest { run_id, timeout: None }).await.map(drop)
    })
    .await;
    for after_event_id in [0, 1 << 32, i64::MAX] {
        check("WatchRun", ids, "RUN_NOT_FOUND", async |run_id| {
            let request = pb::WatchRunRequest { run_id, after_event_id };
            api.runs.clone().watch_run(request).await.map(drop)
        })
        .await;
    }
    // As if they had been answered, so that there is something to be found.
    harness.execute("INSERT INTO run_results SELECT id, '[]', '[]' FROM runs").await;
    check("GetRunResult", ids, "RUN_NOT_FOUND", async |run_id| {
        let request = pb::GetRunResultRequest { run_id, ..Default::default() };
        api.runs.clone().get_run_result(request).await.map(drop)
    })
    .await;
    for format in [1, 2] {
        check("ExportRunResult", ids, "RUN_NOT_FOUND", async |run_id| {
            let request = pb::ExportRunResultRequest { run_id, format };
            api.runs.clone().export_run_result(request).await.map(drop)
        })
        .await;
    }
    for request_id in ["", "0190c1f0-0000-7000-8000-000000000001"] {
        check("CancelRun", ids, "RUN_NOT_FOUND", async |run_id| {
            let (reason, request_id) = ("mine".to_owned(), request_id.to_owned());
            let request = pb::CancelRunRequest { run_id, reason, request_id };
            api.runs.clone().cancel_run(request).await.map(drop)
        })
        .await;
    }

    let request = pb::GetRunRequest { run_id: ids[0] };
    let foreign = harness.api(2).runs.clone().get_run(request).await.ok_response();
    assert_eq!(foreign.run.expect("it is there").state(), pb::RunState::Queued);
}

#[tokio::test]
async fn agents_of_others_and_deleted_ones_are_as_if_they_had_never_been() {
    let (harness, things) = strangers().await;
    let api = &harness.api(1);
    let ids = things.map(|it| it.agent);
    let get = async |api: &Api, agent_id| {
        let request = pb::GetAgentRequest { agent_id };
        api.agents.clone().get_agent(request).await
    };
    let foreign = get(&harness.api(2), ids[0]).await.ok_response();
    let (reason, own_source) = ("AGENT_NOT_FOUND", api.dataset().await);

    check("GetAgent", ids, reason, async |id| get(api, id).await.map(drop)).await;
    check("UpdateAgent", ids, reason, async |agent_id| {
        let name = "mine".to_owned();
        let request = pb::UpdateAgentRequest { agent_id, name, ..Default::default() };
        api.agents.clone().update_agent(request).await.map(drop)
    })
    .await;
    check("UpdateAgent with a data source", ids, reason, async |agent_id| {
        let request =
            pb::UpdateAgentRequest { agent_id, data_source_id: own_source, ..Default::default() };
        api.agents.clone().update_agent(request).await.map(drop)
    })
    .await;
    check("DeleteAgent", ids, reason, async |agent_id| {
        let request = pb::DeleteAgentRequest { agent_id, ..Default::default() };
        api.agents.clone().delete_agent(request).await.map(drop)
    })
    .await;
    check("CreateSession", ids, reason, async |agent_id| {
        let request =
            pb::CreateSessionRequest { agent_id, title: String::new(), ..Default::default() };
        api.sessions.clone().create_session(request).await.map(drop)
    })
    .await;
    check("GetSchema", ids, reason, async |agent_id| {
        let request = pb::GetSchemaRequest { data_source_id: own_source, agent_id };
        api.sources.clone().get_schema(request).await.map(drop)
    })
    .await;
    // One's own conversations with a deleted one are there.
    for mode in 0..=3 {
        check("SearchMessages", [ids[0]], reason, async |agent_id| {
            let query = "question".to_owned();
            let request = pb::SearchMessagesRequest { query, mode, agent_id, ..Default::default() };
            api.sessions.clone().search_messages(request).await.map(drop)
        })
        .await;
    }
    // The owner of a deleted one is told that it is deleted.
    check("StartRun", [ids[0]], reason, async |agent_id| {
        let question = "a question".to_owned();
        let request = pb::StartRunRequest { agent_id, question, ..Default::default() };
        api.runs.clone().start_run(request).await.map(drop)
    })
    .await;

    assert_eq!(get(&harness.api(2), ids[0]).await.ok_response(), foreign);
}

#[tokio::test]
async fn lists_show_nothing_of_others_and_nothing_deleted() {
    let (harness, [foreign, _]) = strangers().await;
    let Api { mut sessions, mut runs, mut agents, mut sources } = harness.api(1);

    let status = SessionStatusFilter::Any.into();
    for agent_id in [0, foreign.agent] {
        let request = pb::ListSessionsRequest { status, agent_id, ..Default::default() };
        let list = sessions.list_sessions(request).await.ok_response();
        assert_eq!((list.sessions, list.pagination.unwrap().total_items), (vec![], 0));
        let request = pb::ListRunsRequest { agent_id, ..Default::default() };
        assert_eq!(runs.list_runs(request).await.ok_response().runs, []);
    }
    for mode in 0..=3 {
        let query = "question".to_owned();
        let request = pb::SearchMessagesRequest { query, mode, ..Default::default() };
        assert_eq!(sessions.search_messages(request).await.ok_response().hits, []);
    }
    let request = pb::ListAgentsRequest::default();
    assert_eq!(agents.list_agents(request).await.ok_response().agents, []);
    let request = pb::ListDataSourcesRequest::default();
    assert_eq!(sources.list_data_sources(request).await.ok_response().data_sources, []);
}

#[tokio::test]
async fn an_agent_that_is_not_the_sessions_is_refused_whoever_has_it() {
    let (harness, [foreign, deleted]) = strangers().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;

    let mut refusals = Vec::new();
    for agent_id in [NEVER, foreign.agent, deleted.agent, api.agent().await] {
        let question = "a question".to_owned();
        let request = pb::StartRunRequest {
            session_id,
            agent_id,
            question,
            wait: None,
            ..Default::default()
        };
        let outcome = api.runs.clone().start_run(request).await;
        let status = outcome.refused(Code::InvalidArgument, "AGENT_MISMATCH");
        refusals.push((status.message().to_owned(), status.details().to_owned()));
    }

    assert!(refusals.iter().all(|it| it == &refusals[0]), "{refusals:?}");
    assert_eq!(api.messages(session_id).await, []);
}
