use futures::StreamExt as _;
use proto::v1::{self as pb, ExportFormat};

use super::{Meter, Stage};
use crate::harness::{Expect as _, random_uuid};

pub(super) async fn make(stage: &Stage, meter: &mut impl Meter) {
    read(stage, meter).await;
    follow(stage, meter).await;
    start(stage, meter).await;
}

pub(super) async fn read(Stage { api, run, .. }: &Stage, meter: &mut impl Meter) {
    let mut runs = api.runs.clone();
    let run_id = *run;
    let call = runs.get_run(pb::GetRunRequest { run_id });
    meter.of("RunService/GetRun", call).await.ok_response();
    let request = pb::ListRunsRequest { per_page: 1, ..Default::default() };
    let first = meter.of("RunService/ListRuns", runs.list_runs(request)).await.ok_response();
    let page_token = first.pagination.expect("lists have it").next_page_token;
    let request = pb::ListRunsRequest { per_page: 1, page_token, ..Default::default() };
    meter.of("RunService/ListRuns:by-token", runs.list_runs(request)).await.ok_response();
    let request = pb::GetRunResultRequest { run_id, ..Default::default() };
    meter.of("RunService/GetRunResult", runs.get_run_result(request)).await.ok_response();
    let export = async {
        let request = pb::ExportRunResultRequest { run_id, format: ExportFormat::Csv.into() };
        let mut pieces = runs.export_run_result(request).await.ok_response();
        while pieces.next().await.transpose().expect("it is exported").is_some() {}
    };
    meter.of("RunService/ExportRunResult", export).await;
}

/// To an end that has been.
pub(super) async fn follow(Stage { api, run, .. }: &Stage, meter: &mut impl Meter) {
    let mut runs = api.runs.clone();
    let timeout = Some(prost_types::Duration { seconds: 10, nanos: 0 });
    let request = pb::WaitRunRequest { run_id: *run, timeout };
    meter.of("RunService/WaitRun", runs.wait_run(request)).await.ok_response();
    let watch = async {
        let request = pb::WatchRunRequest { run_id: *run, after_event_id: 0 };
        let mut events = runs.watch_run(request).await.ok_response();
        while events.next().await.transpose().expect("it is watched").is_some() {}
    };
    meter.of("RunService/WatchRun", watch).await;
}

async fn start(Stage { api, aside, agent, session, .. }: &Stage, meter: &mut impl Meter) {
    let mut runs = api.runs.clone();
    let session_id = *session;
    let question = "how many penguins are there?".to_owned();
    let request = pb::StartRunRequest { session_id, question, ..Default::default() };
    let started = runs.start_run(request.clone());
    let started = meter.of("RunService/StartRun", started).await.ok_response();
    aside.cancel(started.run.expect("it was started").id).await;
    let identified = pb::StartRunRequest { request_id: random_uuid(), ..request.clone() };
    let started = runs.start_run(identified);
    let started = meter.of("RunService/StartRun:request-id", started).await.ok_response();
    aside.cancel(started.run.expect("it was started").id).await;
    let new = pb::StartRunRequest { session_id: 0, agent_id: *agent, ..request };
    let started = meter.of("RunService/StartRun:new-session", runs.start_run(new)).await;
    let run_id = started.ok_response().run.expect("it was started").id;
    let request = pb::CancelRunRequest { run_id, ..Default::default() };
    meter.of("RunService/CancelRun", runs.cancel_run(request)).await.ok_response();
}

/// From the question to the answer, by a worker that is measured too.
pub(crate) async fn ask(Stage { api, session, .. }: &Stage, meter: &mut impl Meter) {
    let mut runs = api.runs.clone();
    let request = pb::StartRunRequest {
        session_id: *session,
        question: "how many penguins are there?".to_owned(),
        wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };
    let answered = meter.of("Run", runs.start_run(request)).await.ok_response();
    assert!(answered.answer.is_some(), "{answered:?}");
}
