//! Rows that are not kept as long as the answers that were given from them.

use std::time::Duration;

use proto::v1 as pb;
use session_service::sweep::{self, Retention};
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::harness::{Expect as _, Harness, eventually};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs the sweep once, until what it should do is done.
async fn sweep_until(harness: &Harness, kept: Retention, sql: &str) {
    let shutdown = CancellationToken::new();
    let sweep = tokio::spawn(sweep::retention(harness.db.clone(), kept, shutdown.clone()));
    eventually("the sweep", async || (harness.number(sql).await == 0).then_some(())).await;
    shutdown.cancel();
    sweep.await.expect("it does not panic");
}

#[tokio::test]
async fn rows_that_are_too_old_are_said_to_be_and_their_answer_stays() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let (old, _) = api.ask(session.id, "SELECT 1").await;
    harness.age("8 days").await;
    let (young, _) = api.ask(session.id, "SELECT 2").await;
    let result = async |run_id| {
        let request = pb::GetRunResultRequest { run_id, ..Default::default() };
        api.runs.clone().get_run_result(request).await
    };

    let kept = Retention { results: Some(7 * DAY), receipts: 30 * DAY };
    let old_ones = "SELECT count(*) FROM run_results WHERE created_at < now() - interval '7 days'";
    sweep_until(&harness, kept, old_ones).await;

    result(old.id).await.refused(Code::NotFound, "RESULT_EXPIRED");
    let format = pb::ExportFormat::Csv.into();
    let export = pb::ExportRunResultRequest { run_id: old.id, format };
    let export = api.runs.clone().export_run_result(export).await;
    let _ = export.map(drop).map(tonic::Response::new).refused(Code::NotFound, "RESULT_EXPIRED");
    assert_eq!(result(young.id).await.ok_response().row_count, 1);
    assert_eq!(api.run(old.id).await.row_count, 1);
    assert_eq!(api.messages(session.id).await.len(), 4);
}

#[tokio::test]
async fn a_run_without_rows_has_none_that_could_be_too_old() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let (run, _) = api.ask(session.id, "well?").await;

    let request = pb::GetRunResultRequest { run_id: run.id, ..Default::default() };
    let outcome = api.runs.clone().get_run_result(request).await;

    outcome.refused(Code::NotFound, "RESULT_NOT_FOUND");
}

#[tokio::test]
async fn without_a_time_of_their_own_results_are_kept_and_old_receipts_are_not() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    api.ask(session.id, "SELECT 1").await;
    harness.age("4000 days").await;
    harness
        .execute(
            "INSERT INTO user_data_deletions (user_id, completed_at, due_at)
            SELECT 7, now() - interval '31 days', NULL::timestamptz FROM generate_series(1, 250)
            UNION ALL SELECT 7, now() - interval '29 days', NULL",
        )
        .await;

    let kept = Retention { results: None, receipts: 30 * DAY };
    let old = "SELECT count(*) - 1 FROM user_data_deletions";
    sweep_until(&harness, kept, old).await;

    assert_eq!(harness.count("run_results").await, 1);
}
