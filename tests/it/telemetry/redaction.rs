//! What people and their data say is in no line and in no span.

use proto::v1::{self as pb, PrivacyMode, create_data_source_request::Kind};
use tonic::Code;

use super::{PATIENTLY, ask, collector::Collector, providers, with};
use crate::harness::{Api, Expect as _, ModelServer, Pair, Reply, token};

/// In all that must not be shown.
const MARKER: &str = "zq7marker";
const OURS: &str = "info,bootstrap=debug,data_source=debug,model=debug,run_queue=debug,\
    run_worker=debug,session_service=debug,sources=debug,storage=debug";

async fn agent(api: &Api) -> i64 {
    let data_source_id = api.dataset().await;
    let csv = format!("{MARKER}_a,b\n{MARKER} one,1\n{MARKER} two,2\n");
    api.import(data_source_id, &format!("{MARKER}_table"), &csv).await.expect("it is right");
    let broken = format!("a,b\n{MARKER},1,2\n\"{MARKER}");
    api.import(data_source_id, "broken", &broken).await.expect_err("it is not");
    let request = pb::CreateAgentRequest {
        name: format!("{MARKER} agent"),
        instructions: format!("Say {MARKER}."),
        data_source_id,
        model: "fake/chat".to_owned(),
        privacy_mode: PrivacyMode::Full.into(),
        ..Default::default()
    };
    let response = api.agents.clone().create_agent(request).await.ok_response();
    response.agent.expect("it was created").id
}

/// A database that is not there, with a password that is marked.
async fn reach_nothing(api: &Api) {
    let postgres = pb::PostgresSource {
        host: "127.0.0.1".to_owned(),
        port: 1,
        database: format!("{MARKER}_d"),
        user: format!("{MARKER}_u"),
        password: MARKER.to_owned(),
        ..Default::default()
    };
    let name = format!("{MARKER} source");
    let kind = Some(Kind::Postgres(postgres));
    let request = pb::CreateDataSourceRequest { name, kind, ..Default::default() };
    let created = api.sources.clone().create_data_source(request).await.ok_response();
    let data_source_id = created.data_source.expect("it was created").id;
    let request = pb::TestDataSourceRequest { data_source_id, ..Default::default() };
    let tested = api.sources.clone().test_data_source(request).await;
    tested.refused(Code::Unavailable, "DATA_SOURCE_UNAVAILABLE");
}

#[tokio::test]
async fn what_people_and_their_data_say_is_in_no_line_and_no_span() {
    let collector = Collector::start().await;
    let select = format!("SELECT {MARKER}_a AS {MARKER}_c, '{MARKER}' FROM {MARKER}_table");
    let cast = format!("SELECT CAST({MARKER}_a AS integer) FROM {MARKER}_table");
    let says = |text: &str| Reply::says(&[text]);
    let model = ModelServer::start([
        says(&select),
        says(&format!("The answer is {MARKER}.")),
        says(&cast),
        says(&format!("DELETE FROM {MARKER}_table")),
        says(&format!("{MARKER} is what I say.")),
        Reply::refuses(400, MARKER),
        Reply::refuses(500, MARKER),
    ])
    .await;
    let pair = Pair::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", &format!("x-key={MARKER}")),
        ("MODEL_PROVIDERS", &providers(&model)),
        ("RUST_LOG", OURS),
    ])
    .await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(1));
    reach_nothing(&api).await;
    let session = api.session(agent(&api).await, &format!("{MARKER} title")).await.id;

    for number in 1..=4 {
        let question = format!("{MARKER} question {number}");
        ask(&api, session, &question, &[], PATIENTLY).await.ok_response();
    }
    search_and_fail(&api).await;
    let stranger = with(pb::ListSessionsRequest::default(), &[]);
    pair.api_with(format!("{}{MARKER}", token(1)))
        .sessions
        .list_sessions(stranger)
        .await
        .refused(Code::Unauthenticated, "UNAUTHENTICATED");
    let (_, service) = service.stop().await;
    let (_, worker) = worker.stop().await;

    for log in [service, worker] {
        assert!(10 < log.lines().len(), "{log:?}");
        let shown = log.0.lines().find(|line| line.contains(MARKER));
        assert_eq!(shown, None);
    }
    let spans = collector.spans();
    let shown = spans.iter().find(|it| format!("{it:?}").contains(MARKER));
    assert!(50 < spans.len() && shown.is_none(), "{shown:?}");
}

async fn search_and_fail(api: &Api) {
    let query = format!("{MARKER} question");
    let request = pb::SearchMessagesRequest { query, ..Default::default() };
    api.sessions.clone().search_messages(request).await.ok_response();
    let title = format!("{MARKER}{}", "x".repeat(1_000));
    let request = pb::CreateSessionRequest { agent_id: 1, title, ..Default::default() };
    api.sessions.clone().create_session(request).await.invalid(&["title"]);
}
