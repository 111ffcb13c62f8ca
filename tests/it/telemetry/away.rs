use std::time::Duration;

use dev::servers::free_port;
use proto::v1::RunState;

use super::{PATIENTLY, ask};
use crate::harness::{Expect as _, Pair, eventually};

const LOST: &str = "spans are lost on the way to the collector";

#[tokio::test]
async fn a_collector_that_is_away_is_told_of_once_and_keeps_nobody_waiting() {
    let nowhere = format!("http://127.0.0.1:{}", free_port().unwrap());
    let pair = Pair::with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &nowhere)]).await;
    let (service, worker, api) = (pair.service().await, pair.worker(), pair.api(1));
    let session = api.session(api.penguins_agent().await, "").await.id;

    let answered = ask(&api, session, "SELECT 1", &[], PATIENTLY).await.ok_response();
    assert_eq!(answered.run.unwrap().state(), RunState::Succeeded);
    eventually("a warning", async || {
        (!service.log().having("message", LOST).is_empty()).then_some(())
    })
    .await;
    ask(&api, session, "SELECT 2", &[], PATIENTLY).await.ok_response();

    for process in [service, worker] {
        let (took, log) = process.stop().await;
        assert!(took < Duration::from_secs(10), "{took:?}");
        assert!(log.having("message", LOST).len() <= 1, "{log:?}");
    }
}

#[tokio::test]
async fn a_bad_value_stops_a_process_at_its_start_with_the_variables_name() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("RUST_LOG", "info,tertulia=loud"),
    ] {
        let said = Pair::with(&[(name, value)]).await.refusal().await;
        let flag = name.to_lowercase().replace('_', "-");
        assert!(said.contains(name) || said.contains(&flag), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
