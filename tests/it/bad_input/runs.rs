use prost_types::Duration;
use proto::v1 as pb;
use tonic::Response;

use super::{bad_lines, bad_request_ids, bad_texts, check, negative_waits};
use crate::harness::Harness;

#[tokio::test]
async fn bad_runs_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent_id = api.agent().await;
    let session_id = api.session(agent_id, "").await.id;
    let question = "a question".to_owned();
    let plain = pb::StartRunRequest { session_id, question, ..Default::default() };
    let of = |agent_id, session_id| pb::StartRunRequest { agent_id, session_id, ..plain.clone() };

    let nothing = pb::StartRunRequest::default();
    let everything = pb::StartRunRequest {
        question: "\0".repeat(8_001),
        wait: negative_waits()[0],
        deadline: negative_waits()[1],
        concurrency: -1,
        request_id: "7".to_owned(),
        ..of(-1, -1)
    };
    let mut cases = vec![
        (nothing, "agent_id question"),
        (everything, "request_id agent_id session_id question question concurrency deadline wait"),
        (of(0, 0), "agent_id"),
        (of(-1, 0), "agent_id"),
        (of(-1, session_id), "agent_id"),
        (of(0, -1), "session_id"),
        (of(agent_id, i64::MIN), "session_id"),
    ];
    for empty in ["", " ", "\n\t"] {
        let question = empty.to_owned();
        cases.push((pb::StartRunRequest { question, ..plain.clone() }, "question"));
    }
    for question in bad_texts() {
        cases.push((pb::StartRunRequest { question, ..plain.clone() }, "question"));
    }
    for wait in negative_waits() {
        cases.push((pb::StartRunRequest { wait, ..plain.clone() }, "wait"));
    }
    for concurrency in [-1, 4, i32::MAX] {
        cases.push((pb::StartRunRequest { concurrency, ..plain.clone() }, "concurrency"));
    }
    for (seconds, nanos) in [(0, 0), (0, 999_999_999), (-1, 0), (0, -1), (i64::MIN, 0)] {
        let deadline = Some(Duration { seconds, nanos });
        cases.push((pb::StartRunRequest { deadline, ..plain.clone() }, "deadline"));
    }
    for request_id in bad_request_ids() {
        cases.push((pb::StartRunRequest { request_id, ..plain.clone() }, "request_id"));
    }
    check(async |it| api.runs.clone().start_run(it).await, cases).await;

    let cases = negative_waits()
        .map(|timeout| (pb::WaitRunRequest { run_id: 1, timeout }, "timeout"))
        .into_iter()
        .chain([(
            pb::WaitRunRequest { run_id: -1, timeout: negative_waits()[1] },
            "run_id timeout",
        )]);
    check(async |it| api.runs.clone().wait_run(it).await, cases).await;

    let run_id = 1;
    let watch = |run_id, after_event_id| pb::WatchRunRequest { run_id, after_event_id };
    let cases = [
        (watch(0, 0), "run_id"),
        (watch(i64::MIN, 0), "run_id"),
        (watch(run_id, -1), "after_event_id"),
        (watch(run_id, i64::MIN), "after_event_id"),
        (watch(-1, -1), "run_id after_event_id"),
    ];
    let watching = async |it| {
        let watched = api.runs.clone().watch_run(it).await;
        // The stream has no form to be shown in.
        watched.map(|_| Response::new(()))
    };
    check(watching, cases).await;

    let result = |run_id, page, per_page| pb::GetRunResultRequest { run_id, page, per_page };
    let cases = [
        (result(run_id, -1, 0), "page"),
        (result(run_id, 0, -1), "per_page"),
        (result(-1, i32::MIN, i32::MIN), "run_id per_page page"),
    ];
    check(async |it| api.runs.clone().get_run_result(it).await, cases).await;

    let export = |run_id, format| pb::ExportRunResultRequest { run_id, format };
    let cases = [
        (export(0, 1), "run_id"),
        (export(i64::MIN, 2), "run_id"),
        (export(run_id, 0), "format"),
        (export(run_id, 3), "format"),
        (export(-1, -1), "run_id format"),
    ];
    let exporting = async |it| {
        let exported = api.runs.clone().export_run_result(it).await;
        // The stream has no form to be shown in.
        exported.map(|_| Response::new(()))
    };
    check(exporting, cases).await;

    let plain = pb::CancelRunRequest { run_id, ..Default::default() };
    let everything =
        pb::CancelRunRequest { run_id: -1, reason: "\0".repeat(201), request_id: "7".to_owned() };
    let mut cases = vec![(everything, "request_id run_id reason reason")];
    for reason in bad_lines() {
        cases.push((pb::CancelRunRequest { reason, ..plain.clone() }, "reason"));
    }
    for request_id in bad_request_ids() {
        cases.push((pb::CancelRunRequest { request_id, ..plain.clone() }, "request_id"));
    }
    check(async |it| api.runs.clone().cancel_run(it).await, cases).await;

    let plain = pb::ListRunsRequest::default();
    let everything = pb::ListRunsRequest {
        per_page: -1,
        page_token: "!".to_owned(),
        session_id: -1,
        agent_id: -1,
        state: 99,
    };
    let cases = [
        (pb::ListRunsRequest { per_page: -1, ..plain.clone() }, "per_page"),
        (pb::ListRunsRequest { state: 99, ..plain.clone() }, "state"),
        (pb::ListRunsRequest { state: -1, ..plain.clone() }, "state"),
        (pb::ListRunsRequest { session_id: -1, ..plain.clone() }, "session_id"),
        (pb::ListRunsRequest { agent_id: -1, ..plain.clone() }, "agent_id"),
        (pb::ListRunsRequest { page_token: "!".to_owned(), ..plain }, "page_token"),
        (everything, "per_page state session_id agent_id page_token"),
    ];
    check(async |it| api.runs.clone().list_runs(it).await, cases).await;

    assert_eq!(api.messages(session_id).await, []);
}
