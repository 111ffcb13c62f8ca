use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use proto::v1::{self as pb, PrivacyMode, RunState};

use super::{
    CALLER, NOT_AT_ALL, PATIENTLY, ask,
    collector::{Collector, Received, text},
    providers, traceparent,
};
use crate::harness::{Api, Expect as _, ModelServer, Pair, Reply};

const START: &str = "tertulia.v1.RunService/StartRun";
const SQL: &str = "SELECT species, count(*) FROM penguins GROUP BY 1";
const OTHER: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

/// An agent of the model server's, to which everything is told.
async fn agent(api: &Api) -> i64 {
    let data_source_id = api.dataset().await;
    let csv = include_str!("../../../crates/dev/demo/penguins.csv");
    api.import(data_source_id, "penguins", csv).await.expect("it can be imported");
    let request = pb::CreateAgentRequest {
        name: "Agent".to_owned(),
        data_source_id,
        model: "fake/chat".to_owned(),
        privacy_mode: PrivacyMode::Full.into(),
        ..Default::default()
    };
    let response = api.agents.clone().create_agent(request).await.ok_response();
    response.agent.expect("it was created").id
}

fn attempt_of(spans: &[Received], run_id: i64) -> Vec<&Received> {
    let run_id = run_id.to_string();
    let is_of_run = |it: &&Received| it.text("run.id").as_ref() == Some(&run_id);
    spans.iter().filter(|it| it.kind() == SpanKind::Consumer).filter(is_of_run).collect()
}

#[tokio::test]
async fn a_run_is_one_trace_from_its_caller_to_its_answer() {
    let collector = Collector::start().await;
    let model =
        ModelServer::start([Reply::says(&[SQL]), Reply::says(&["Three ", "species."])]).await;
    let pair = Pair::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20secret"),
        ("MODEL_PROVIDERS", &providers(&model)),
    ])
    .await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(1));
    let session = api.session(agent(&api).await, "Penguins").await.id;

    let parent = traceparent(CALLER);
    let answered = ask(&api, session, "how many?", &[("traceparent", &parent)], PATIENTLY).await;
    let run = answered.ok_response().run.expect("it was started");
    service.stop().await;
    worker.stop().await;

    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    let trace = collector.trace(CALLER[0]);
    trace.assert_whole(CALLER[1]);
    let call = trace.one(START);
    assert_eq!((call.parent(), call.kind()), (CALLER[1].to_owned(), SpanKind::Server));
    assert_eq!(call.service(), "session-service");
    assert_eq!(call.text("rpc.grpc.status_code").as_deref(), Some("0"));
    assert_eq!(text(&call.resource, "service.namespace").as_deref(), Some("tertulia"));

    let [attempt] = attempt_of(&trace.0, run.id)[..] else { panic!("{trace:?}") };
    let published = trace.0.iter().find(|it| it.id() == attempt.parent()).expect("it is whole");
    assert_eq!(
        (attempt.service(), published.service().as_str()),
        ("run-worker".to_owned(), "session-service")
    );
    assert!(published.kind() == SpanKind::Producer && trace.is_below(published, call));
    assert_eq!(attempt.text("messaging.system").as_deref(), Some("nats"));

    let chats = trace.all("chat chat");
    assert_eq!(chats.len(), 2, "{trace:?}");
    for chat in &chats {
        assert!(chat.kind() == SpanKind::Client && trace.is_below(chat, attempt));
        assert_eq!(chat.text("gen_ai.provider.name").as_deref(), Some("fake"));
        assert_eq!(chat.text("gen_ai.usage.input_tokens").as_deref(), Some("11"));
    }
    for seen in model.seen() {
        let carried = seen.headers.get("traceparent").expect("it is carried on");
        let is_it = |it: &&Received| *carried == traceparent([CALLER[0], &it.id()]);
        let sender = trace.0.iter().find(is_it).expect("the request is a part of it");
        let is_of = |chat: &&Received| chat.id() == sender.id() || trace.is_below(sender, chat);
        assert!(chats.iter().any(is_of), "{sender:?}");
    }
    for (name, table) in [("SELECT", None), ("db.run.end", Some("runs"))] {
        let statement = trace.one(name);
        assert!(statement.kind() == SpanKind::Client && trace.is_below(statement, attempt));
        assert_eq!(statement.text("db.system.name").as_deref(), Some("postgresql"));
        assert_eq!(statement.text("db.collection.name").as_deref(), table);
    }
    let is_public = |it: &Received| it.span.name.contains("grpc.health");
    assert!(!collector.spans().iter().any(is_public));
    assert!(collector.metadata().iter().all(|it| it.get("x-key").unwrap() == "a secret"));
}

#[tokio::test]
async fn a_second_attempt_after_a_worker_died_is_in_the_trace_of_the_first() {
    let collector = Collector::start().await;
    let model = ModelServer::start([Reply::Silence]).await;
    let pair = Pair::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("MODEL_PROVIDERS", &providers(&model)),
    ])
    .await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(1));
    let session = api.session(agent(&api).await, "").await.id;
    let parent = traceparent(CALLER);
    let asked = ask(&api, session, "how many?", &[("traceparent", &parent)], NOT_AT_ALL).await;
    let run = asked.ok_response().run.expect("it was started");
    model.has_open(1).await;

    worker.kill().await;
    model.go_on([Reply::says(&[SQL]), Reply::says(&["Three."])]);
    let worker = pair.worker();
    let (run, _) = api.wait(run.id).await;
    service.stop().await;
    worker.stop().await;

    assert_eq!((run.state(), run.attempts), (RunState::Succeeded, 2));
    // What had begun in the worker that was killed has no end, and was not sent.
    let trace = collector.trace(CALLER[0]);
    let [second] = attempt_of(&trace.0, run.id)[..] else { panic!("{trace:?}") };
    assert_eq!(second.text("attempt").as_deref(), Some("2"));
    assert!(trace.is_below(second, trace.one(START)));
    assert_eq!(trace.one(START).parent(), CALLER[1]);
}

#[tokio::test]
async fn a_question_that_waited_for_its_turn_is_in_its_own_callers_trace() {
    let collector = Collector::start().await;
    let pair = Pair::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())]).await;
    let (service, api) = (pair.service().await, pair.api(1));
    let session = api.session(api.penguins_agent().await, "").await.id;
    let mut runs = Vec::new();
    for caller in [CALLER, OTHER] {
        let headers = [("traceparent", &*traceparent(caller))];
        let asked = ask(&api, session, SQL, &headers, NOT_AT_ALL).await.ok_response();
        runs.push(asked.run.expect("it was started").id);
    }

    let worker = pair.worker();
    api.wait(runs[1]).await;
    service.stop().await;
    worker.stop().await;

    for (caller, run_id) in [CALLER, OTHER].into_iter().zip(runs) {
        let trace = collector.trace(caller[0]);
        trace.assert_whole(caller[1]);
        let [attempt] = attempt_of(&trace.0, run_id)[..] else { panic!("{trace:?}") };
        assert!(trace.is_below(attempt, trace.one(START)));
        assert!(trace.all("chat builtin").iter().all(|it| trace.is_below(it, attempt)));
        assert_eq!(trace.all("chat builtin").len(), 2);
        assert_eq!(attempt_of(&collector.spans(), run_id).len(), 1);
    }
}
