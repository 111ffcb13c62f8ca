//! What goes on while all that a user has is deleted.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::future;
use proto::v1::{self as pb, RunState, import_table_request::Part, run_event::Event};
use tokio::{sync::mpsc, time};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{completed, delete, delete_all};
use crate::harness::{Endless, Expect as _, Harness, LONG_QUESTION, eventually, random_uuid};

#[tokio::test]
async fn everything_is_hidden_at_once_and_one_can_go_on() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    let agent = api.agent_on(dataset).await;
    let [kept, deleted] = [api.session(agent, "").await.id, api.session(agent, "").await.id];
    let (run, _) = api.ask(kept, "SELECT 1").await;
    api.delete_session(deleted).await;

    delete(&api, "").await;

    let mut api = api;
    let get = pb::GetSessionRequest { session_id: kept };
    api.sessions.get_session(get).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
    let undelete = pb::UndeleteSessionRequest { session_id: deleted, ..Default::default() };
    let undelete = api.sessions.undelete_session(undelete).await;
    undelete.refused(Code::NotFound, "SESSION_NOT_FOUND");
    let get = pb::GetRunRequest { run_id: run.id };
    api.runs.get_run(get).await.refused(Code::NotFound, "RUN_NOT_FOUND");
    let result = pb::GetRunResultRequest { run_id: run.id, ..Default::default() };
    api.runs.get_run_result(result).await.refused(Code::NotFound, "RUN_NOT_FOUND");
    let get = pb::GetAgentRequest { agent_id: agent };
    api.agents.get_agent(get).await.refused(Code::NotFound, "AGENT_NOT_FOUND");
    let get = pb::GetDataSourceRequest { data_source_id: dataset };
    api.sources.get_data_source(get).await.refused(Code::NotFound, "DATA_SOURCE_NOT_FOUND");
    let question = "SELECT 1".to_owned();
    let start = pb::StartRunRequest { session_id: kept, question, ..Default::default() };
    api.runs.start_run(start).await.refused(Code::NotFound, "SESSION_NOT_FOUND");

    let session = api.session(api.penguins_agent().await, "anew").await;
    api.ask(session.id, "How many penguins?").await;
    delete_rest_of_the_first(&harness).await;
    harness.assert_sound(session.id).await;
    assert_eq!(api.get_session(session.id).await.title, "anew");
    assert_eq!(harness.number("SELECT count(*) FROM chat_sessions").await, 1);
}

async fn delete_rest_of_the_first(harness: &Harness) {
    eventually("the first deletion being complete", async || {
        super::nobody_follows(harness).await;
        let open = "SELECT count(*) FROM user_data_deletions WHERE completed_at IS NULL";
        (harness.number(open).await == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_run_that_goes_on_is_cancelled_and_those_who_watch_it_see_its_end() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let provider = Endless::shared();
    let _worker = harness.worker(provider, 1);
    let running = api.start(session.id, "running").await;
    let waiting = api.start(session.id, "waiting").await;
    provider.begun().await;
    let watches = [api.watch(running.id, 0).await, api.watch(waiting.id, 0).await];
    let request_id = random_uuid();

    delete(&api, &request_id).await;
    provider.dropped().await;
    let ends = future::join_all(watches.map(|watch| watch.rest())).await;
    let receipt = completed(&harness, &api, &request_id).await;

    for events in ends {
        let last = events.into_iter().next_back().and_then(|it| it.event);
        let Some(Event::Final(end)) = last else { panic!("{last:?}") };
        let run = end.run.expect("it says how");
        let reason = run.error.as_ref().map(|it| it.reason.as_str());
        assert_eq!((run.state(), reason), (RunState::Cancelled, Some("SESSION_DELETED")));
    }
    assert_eq!(receipt.deleted.map(|it| it.runs), Some(2));
}

#[tokio::test]
async fn a_statement_that_goes_on_is_stopped_before_its_tables_are_dropped() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;
    api.start(session.id, LONG_QUESTION).await;
    harness.statements_are(1).await;

    let receipt = delete_all(&harness, &api).await;

    harness.statements_are(0).await;
    assert_eq!(receipt.deleted.map(|it| (it.runs, it.data_sources)), Some((1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_are_asked_at_the_same_time_are_deleted_or_refused() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let is_over = AtomicBool::new(false);

    let asking = (0..8).map(async |_| {
        let (mut started, question) = (0, "SELECT 1".to_owned());
        while !is_over.load(Ordering::Relaxed) {
            // Below a user's rate.
            time::sleep(Duration::from_millis(30)).await;
            let request =
                pb::StartRunRequest { agent_id, question: question.clone(), ..Default::default() };
            match api.runs.clone().start_run(request).await {
                Ok(_) => started += 1,
                Err(status) => {
                    let info = status.get_details_error_info().expect("each refusal has it");
                    let expected = ["AGENT_DELETED", "AGENT_NOT_FOUND"];
                    assert!(expected.contains(&info.reason.as_str()), "{status:?}");
                }
            }
        }
        started
    });
    let deleting = async {
        eventually("some questions", async || {
            (20 < harness.number("SELECT count(*) FROM runs").await).then_some(())
        })
        .await;
        let receipt = delete_all(&harness, &api).await;
        is_over.store(true, Ordering::Relaxed);
        receipt
    };
    let (started, receipt) = future::join(future::join_all(asking), deleting).await;

    let deleted = receipt.deleted.expect("it is complete");
    let started: i64 = started.into_iter().sum();
    assert_eq!((deleted.runs, deleted.sessions, deleted.agents), (started, started, 1));
    for table in ["chat_sessions", "runs", "messages", "agents", "data_sources"] {
        assert_eq!(harness.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

#[tokio::test]
async fn an_import_that_goes_on_fails_and_leaves_no_table() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let data_source_id = api.dataset().await;
    let (send, parts) = mpsc::channel(4);
    let table = pb::ImportedTable {
        data_source_id,
        table_name: "numbers".to_owned(),
        request_id: random_uuid(),
        ..Default::default()
    };
    let part = |part| pb::ImportTableRequest { part: Some(part) };
    send.send(part(Part::Table(table))).await.unwrap();
    send.send(part(Part::Data("n\n1\n".into()))).await.unwrap();
    let mut sources = api.sources.clone();
    let import = sources.import_table(ReceiverStream::new(parts));
    let deleting = async {
        let receipt = delete_all(&harness, &api).await;
        drop(send);
        receipt
    };
    let (imported, receipt) = future::join(import, deleting).await;

    imported.refused(Code::NotFound, "DATA_SOURCE_NOT_FOUND");
    assert_eq!(receipt.deleted.map(|it| it.data_sources), Some(1));
    let datasets = &harness.sources.store.source(1, "").database;
    let datasets = crate::harness::superuser_in(datasets).await;
    let left = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ds\\_%')
        + (SELECT count(*) FROM tertulia.imports)";
    assert_eq!(datasets.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}
