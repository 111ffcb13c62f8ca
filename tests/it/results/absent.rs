use proto::v1::{self as pb, ExportFormat};
use tonic::{Code, Response};

use super::{export, get, numbers, pieces, run_with, run_with_result};
use crate::harness::{Api, Expect as _, Harness};

/// Asserts that both rpcs refuse a run for this reason.
async fn check(api: &Api, run_id: i64, reason: &str) {
    get(api, run_id, 0, 0).await.refused(Code::NotFound, reason);
    let exported = pieces(api, run_id, ExportFormat::Csv).await.map(Response::new);
    exported.refused(Code::NotFound, reason);
}

#[tokio::test]
async fn a_run_that_has_not_ended_or_has_ended_without_a_statement_has_no_result() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let going_on = api.start(session.id, "a question").await;
    let waiting = api.start(session.id, "another").await;
    let without = run_with(&harness, &api, None).await;

    for run in [&going_on, &waiting, &without] {
        check(&api, run.id, "RESULT_NOT_FOUND").await;
    }
    api.cancel(waiting.id).await;
    check(&api, waiting.id, "RESULT_NOT_FOUND").await;
    check(&api, without.id + 1_000, "RUN_NOT_FOUND").await;
}

#[tokio::test]
async fn a_result_is_its_owners_alone() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    let run = run_with_result(&harness, &api, numbers(3)).await;

    check(&other, run.id, "RUN_NOT_FOUND").await;

    assert_eq!(get(&api, run.id, 0, 0).await.ok_response().rows.len(), 3);
}

#[tokio::test]
async fn a_deleted_sessions_result_is_gone_until_it_is_undeleted() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let run = run_with_result(&harness, &api, numbers(3)).await;
    let before = get(&api, run.id, 0, 0).await.ok_response();

    api.delete_session(run.session_id).await;
    check(&api, run.id, "RUN_NOT_FOUND").await;
    let request = pb::UndeleteSessionRequest { session_id: run.session_id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();

    assert_eq!(get(&api, run.id, 0, 0).await.ok_response(), before);
}

#[tokio::test]
async fn a_statement_without_rows_has_a_result_that_is_empty() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let run = run_with_result(&harness, &api, numbers(0)).await;

    let result = get(&api, run.id, 0, 0).await.ok_response();

    let pagination = result.pagination.unwrap();
    assert_eq!((result.columns.len(), result.rows.len(), result.row_count), (1, 0, 0));
    assert_eq!((pagination.total_items, pagination.total_pages), (0, 0));
    assert!(!pagination.has_next && !pagination.has_prev);
    assert_eq!(export(&api, run.id, ExportFormat::Csv).await, "n\r\n");
    assert_eq!(export(&api, run.id, ExportFormat::JsonLines).await, "[\"n\"]\n");
}
