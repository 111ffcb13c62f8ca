//! The rows that answers were given from, as GetRunResult and ExportRunResult give
//! them.

mod absent;
mod export;
mod pages;
mod values;

use std::sync::Arc;

use proto::v1::{self as pb, ExportFormat};
use storage::{
    RunId,
    entity::{message::Cells, run::TruncatedBy},
    results::{Column, RunResult},
    runs::{self, Ended, Ending, Execution, Outcome},
};
use tonic::{Response, Status};

use crate::harness::{Api, Harness, TERMS};

fn columns(columns: &[(&str, &str)]) -> Vec<Column> {
    let column = |&(name, type_name): &(&str, &str)| Column {
        name: name.to_owned(),
        type_name: type_name.to_owned(),
    };
    columns.iter().map(column).collect()
}

/// A result of one column of numbers from 1.
fn numbers(count: usize) -> RunResult {
    let rows = (1..=count).map(|it| vec![Some(it.to_string())]).collect();
    RunResult { columns: columns(&[("n", "int8")]), rows }
}

/// Begins with a question of a new session, and ends it with this execution.
async fn run_with(harness: &Harness, api: &Api, execution: Option<Execution>) -> pb::Run {
    let session = api.session(api.agent().await, "").await;
    let run = api.start(session.id, "a question").await;
    let claimed = runs::claim(&harness.db, RunId(run.id), TERMS).await;
    let claimed = claimed.expect("the database answers").expect("it is free");
    let ending = Ending {
        outcome: Outcome::Succeeded,
        content: "an answer".to_owned(),
        sql: Some("SELECT".to_owned()),
        execution,
        cells: Cells::Rows,
        usage: None,
        last_event_id: 1 << 32,
    };
    let ended = runs::end(&harness.db, &claimed, ending).await.expect("the database answers");
    assert!(matches!(ended, Ended::Done { .. }), "{ended:?}");
    api.run(run.id).await
}

/// As `run_with`, of a statement with this result.
async fn run_with_result(harness: &Harness, api: &Api, result: RunResult) -> pb::Run {
    let execution = Execution {
        milliseconds: 7,
        row_count: i64::try_from(result.rows.len()).expect("they are few"),
        truncated_by: Some(TruncatedBy::Bytes),
        total_rows: Some(1 << 40),
        result: Arc::new(result),
    };
    run_with(harness, api, Some(execution)).await
}

async fn get(
    api: &Api,
    run_id: i64,
    page: i32,
    per_page: i32,
) -> Result<Response<pb::GetRunResultResponse>, Status> {
    let request = pb::GetRunResultRequest { run_id, page, per_page };
    api.runs.clone().get_run_result(request).await
}

/// The pieces of a result's file.
async fn pieces(api: &Api, run_id: i64, format: ExportFormat) -> Result<Vec<Vec<u8>>, Status> {
    let request = pb::ExportRunResultRequest { run_id, format: format.into() };
    let mut stream = api.runs.clone().export_run_result(request).await?.into_inner();
    let mut pieces = Vec::new();
    while let Some(piece) = stream.message().await? {
        pieces.push(piece.data);
    }
    Ok(pieces)
}

async fn export(api: &Api, run_id: i64, format: ExportFormat) -> String {
    let pieces = pieces(api, run_id, format).await.expect("it can be exported");
    String::from_utf8(pieces.concat()).expect("it is UTF-8")
}

/// A value as it is on the wire.
fn value(text: Option<&str>) -> prost_types::Value {
    use prost_types::value::Kind;

    let kind = text.map_or(Kind::NullValue(0), |it| Kind::StringValue(it.to_owned()));
    prost_types::Value { kind: Some(kind) }
}

/// What rows say; NULL is not expected.
fn texts(rows: &[prost_types::ListValue]) -> Vec<Vec<&str>> {
    use prost_types::value::Kind;

    fn text(value: &prost_types::Value) -> &str {
        match &value.kind {
            Some(Kind::StringValue(text)) => text,
            other => panic!("not a text: {other:?}"),
        }
    }
    rows.iter().map(|row| row.values.iter().map(text).collect()).collect()
}
