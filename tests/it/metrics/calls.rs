//! Calls, by method and code.

use proto::v1::{self as pb, RunState};
use tonic::{Code, Request, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use super::{Shown, alone};
use crate::harness::{Expect as _, Gate, Harness, door, eventually, settings};

const CALLS: &str = "tertulia_grpc_requests_total";
const IN_FLIGHT: &str = "tertulia_grpc_requests_in_flight";
const WORKED: &str = "tertulia_grpc_request_duration_seconds";
const WATCH: (&str, &str) = ("method", "tertulia.v1.RunService/WatchRun");
const WAIT: (&str, &str) = ("method", "tertulia.v1.RunService/WaitRun");
const GET: (&str, &str) = ("method", "tertulia.v1.RunService/GetRun");

#[tokio::test]
async fn every_method_is_there_with_every_code_before_it_is_called() {
    alone(
        "metrics::calls::every_method_is_there_with_every_code_before_it_is_called",
        async || {
            let shown = Shown::install();
            let rpcs =
                crate::harness::described::rpcs().map(|(name, _)| format!("tertulia.v1.{name}"));
            for method in
                rpcs.chain(["unknown".to_owned(), "grpc.health.v1.Health/Check".to_owned()])
            {
                for code in ["OK", "CANCELLED", "INTERNAL", "UNAUTHENTICATED", "DATA_LOSS"] {
                    assert_eq!(shown.sum(CALLS, &[("method", &method), ("code", code)]), 0.0);
                }
                assert_eq!(shown.sum(&format!("{WORKED}_count"), &[("method", &method)]), 0.0);
                assert_eq!(shown.sum(IN_FLIGHT, &[("method", &method)]), 0.0);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_call_is_counted_once_by_what_its_caller_was_told() {
    alone("metrics::calls::a_call_is_counted_once_by_what_its_caller_was_told", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let api = harness.api(1);
        let session = api.session(api.agent().await, "").await;
        let run = api.start(session.id, "well?").await;

        api.run(run.id).await;
        let other = harness.api(2).runs.get_run(pb::GetRunRequest { run_id: run.id }).await;
        other.refused(Code::NotFound, "RUN_NOT_FOUND");
        let nobody =
            harness.api_with(None).runs.get_run(pb::GetRunRequest { run_id: run.id }).await;
        nobody.refused(Code::Unauthenticated, "UNAUTHENTICATED");

        for (code, count) in [("OK", 1.0), ("NOT_FOUND", 1.0), ("UNAUTHENTICATED", 1.0)] {
            let sum =
                async || Some(shown.sum(CALLS, &[GET, ("code", code)])).filter(|it| *it == count);
            eventually(code, sum).await;
        }
        assert_eq!(shown.sum(CALLS, &[GET]), 3.0);
        assert_eq!(shown.sum(&format!("{WORKED}_count"), &[GET]), 3.0);
        for reason in ["RUN_NOT_FOUND", "UNAUTHENTICATED"] {
            assert_eq!(shown.sum("tertulia_grpc_errors_total", &[("reason", reason)]), 1.0);
        }
    })
    .await;
}

#[tokio::test]
async fn methods_that_there_are_not_share_one_series() {
    alone("metrics::calls::methods_that_there_are_not_share_one_series", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let before = shown.samples().len();
        for path in ["/tertulia.v1.RunService/Nothing", "/nobody/Knows"] {
            let mut grpc = Grpc::new(harness.channel());
            grpc.ready().await.expect("the service is there");
            let codec = ProstCodec::<pb::GetRunRequest, pb::GetRunResponse>::default();
            let request = Request::new(pb::GetRunRequest::default());
            grpc.unary(request, PathAndQuery::from_static(path), codec).await.unwrap_err();
        }

        let counted =
            async || Some(shown.sum(CALLS, &[("method", "unknown")])).filter(|it| *it == 2.0);
        eventually("they are counted", counted).await;
        assert_eq!(shown.samples().len(), before);
    })
    .await;
}

#[tokio::test]
async fn a_watch_is_in_flight_until_it_ends_and_waiting_is_no_work() {
    alone(
        "metrics::calls::a_watch_is_in_flight_until_it_ends_and_waiting_is_no_work",
        async || {
            let shown = Shown::install();
            let harness = Harness::without_worker().await;
            let gate = Gate::shared();
            let _worker = harness.worker(gate, 1);
            let api = harness.api(1);
            let session = api.session(api.agent().await, "").await;
            let run = api.start(session.id, "well?").await;
            gate.asked().await;

            let watch = api.watch(run.id, 0).await;
            let in_flight = async || Some(()).filter(|()| shown.sum(IN_FLIGHT, &[WATCH]) == 1.0);
            eventually("the watch is in flight", in_flight).await;
            let timeout = Some(prost_types::Duration { seconds: 1, nanos: 0 });
            let request = pb::WaitRunRequest { run_id: run.id, timeout };
            let waited = api.runs.clone().wait_run(request).await.ok_response();
            assert_eq!(waited.run.map(|it| it.state()), Some(RunState::Running));
            gate.let_through(1);
            watch.rest().await;

            let ended =
                async || Some(()).filter(|()| shown.sum(CALLS, &[WATCH, ("code", "OK")]) == 1.0);
            eventually("the watch has ended", ended).await;
            assert_eq!(shown.sum(IN_FLIGHT, &[WATCH]), 0.0);
            for method in [WATCH, WAIT] {
                let (count, sum) = (format!("{WORKED}_count"), format!("{WORKED}_sum"));
                assert_eq!(shown.sum(&count, &[method]), 1.0);
                assert!(shown.sum(&sum, &[method]) < 0.9, "{method:?} waits for a second");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_caller_who_leaves_is_told_nothing_and_counted_as_cancelled() {
    alone(
        "metrics::calls::a_caller_who_leaves_is_told_nothing_and_counted_as_cancelled",
        async || {
            let shown = Shown::install();
            let harness = Harness::without_worker().await;
            let api = harness.api(1);
            let session = api.session(api.agent().await, "").await;
            let run = api.start(session.id, "well?").await;

            let watch = api.watch(run.id, 0).await;
            drop(watch);

            let counted = async || {
                Some(()).filter(|()| shown.sum(CALLS, &[WATCH, ("code", "CANCELLED")]) == 1.0)
            };
            eventually("it is counted", counted).await;
            assert_eq!(shown.sum(IN_FLIGHT, &[WATCH]), 0.0);
        },
    )
    .await;
}

#[tokio::test]
async fn what_the_door_refuses_is_counted_by_its_bound() {
    alone("metrics::calls::what_the_door_refuses_is_counted_by_its_bound", async || {
        let shown = Shown::install();
        let harness = Harness::without_worker().await;
        let mut door = door();
        let (rate, burst) = (1.try_into().expect("it is not 0"), 1.try_into().expect("nor this"));
        door.rate = session_service::door::Rate::new(rate, burst);
        let strict = harness.service_behind(door, settings()).await;
        let mut runs = strict.api(1).runs;

        let request = pb::GetRunRequest { run_id: 1 };
        runs.get_run(request).await.refused(Code::NotFound, "RUN_NOT_FOUND");
        runs.get_run(request).await.refused(Code::ResourceExhausted, "RATE_LIMITED");

        assert_eq!(shown.sum("tertulia_door_refusals_total", &[("by", "rate")]), 1.0);
        assert_eq!(shown.sum("tertulia_door_refusals_total", &[]), 1.0);
        let connections =
            async || Some(()).filter(|()| shown.sum("tertulia_connections_open", &[]) >= 1.0);
        eventually("the connection is counted", connections).await;
    })
    .await;
}
