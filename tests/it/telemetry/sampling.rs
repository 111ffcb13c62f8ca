use super::{CALLER, PATIENTLY, ask, collector::Collector, traceparent};
use crate::harness::{Expect as _, Pair};

const SAMPLED: [&str; 2] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];
const START: &str = "tertulia.v1.RunService/StartRun";

#[tokio::test]
async fn a_caller_decides_whether_its_trace_is_sent_and_the_ratio_decides_for_others() {
    let collector = Collector::start().await;
    let pair = Pair::with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint()),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
        ("RUST_LOG", "debug"),
    ])
    .await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(1));
    let session = api.session(api.penguins_agent().await, "").await.id;

    let unsampled = traceparent(CALLER).replace("-01", "-00");
    for headers in [&[("traceparent", &*unsampled)][..], &[]] {
        ask(&api, session, "SELECT 1", headers, PATIENTLY).await.ok_response();
    }
    let sampled = traceparent(SAMPLED);
    ask(&api, session, "SELECT 1", &[("traceparent", &sampled)], PATIENTLY).await.ok_response();
    let (_, service) = service.stop().await;
    let (_, worker) = worker.stop().await;

    let sent = collector.spans();
    assert_eq!(sent.len(), collector.trace(SAMPLED[0]).0.len(), "{sent:?}");
    collector.trace(SAMPLED[0]).one(START);
    for log in [service, worker] {
        assert!(!log.having("trace_id", CALLER[0]).is_empty(), "{log:?}");
    }
}

#[tokio::test]
async fn what_is_no_trace_begins_one_and_so_does_nothing_at_all() {
    let collector = Collector::start().await;
    let pair = Pair::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint())]).await;
    let (service, api) = (pair.service().await, pair.api(1));
    let session = api.session(api.agent().await, "").await.id;

    let junk = ["00-zz-1-01", &traceparent(CALLER).to_uppercase(), &traceparent(["0"; 2])];
    for parent in junk {
        let headers = [("traceparent", parent), ("tracestate", "a=1")];
        ask(&api, session, "SELECT 1", &headers, super::NOT_AT_ALL).await.ok_response();
    }
    service.stop().await;

    let calls: Vec<_> = collector.spans().into_iter().filter(|it| it.span.name == START).collect();
    assert_eq!(calls.len(), junk.len());
    for call in calls {
        assert_eq!((call.parent(), call.span.trace_state.as_str()), (String::new(), ""));
    }
}
