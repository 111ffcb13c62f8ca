//! Pages of a run's result.

use prost_types::{ListValue, Value, value::Kind};
use proto::v1 as pb;
use storage::{
    RunId,
    results::{Column, Page, Range},
};

use super::convert::to_truncated_by;
use crate::{
    Error,
    grpc::{fields::Fields, sessions::pagination},
};

const DEFAULT_PER_PAGE: u32 = 100;
const MAX_PER_PAGE: u32 = 1_000;

/// A page of a result that was asked for.
pub(super) struct GetRunResult {
    pub run_id: RunId,
    page: u32,
    per_page: u32,
}

impl GetRunResult {
    pub(super) fn range(&self) -> Range {
        Range { skip: (self.page - 1).saturating_mul(self.per_page), limit: self.per_page }
    }
}

pub(super) fn get_run_result(request: &pb::GetRunResultRequest) -> Result<GetRunResult, Error> {
    let mut fields = Fields::default();
    let run_id = fields.id("run_id", request.run_id, RunId);
    let per_page = fields.per_page(request.per_page, DEFAULT_PER_PAGE, MAX_PER_PAGE);
    let page = fields.page(request.page);
    fields.check()?;
    Ok(GetRunResult { run_id, page, per_page })
}

pub(super) fn to_get_run_result(get: &GetRunResult, page: Page) -> pb::GetRunResultResponse {
    pb::GetRunResultResponse {
        columns: page.columns.into_iter().map(to_column).collect(),
        rows: page.rows.into_iter().map(to_row).collect(),
        pagination: Some(pagination(get.page, get.per_page, page.row_count)),
        row_count: page.row_count,
        truncated_by: to_truncated_by(page.truncated_by).into(),
        total_rows: page.total_rows,
    }
}

fn to_column(column: Column) -> pb::ResultColumn {
    pb::ResultColumn { name: column.name, r#type: column.type_name }
}

fn to_row(row: Vec<Option<String>>) -> ListValue {
    let to_value = |value| match value {
        Some(text) => Value { kind: Some(Kind::StringValue(text)) },
        None => Value { kind: Some(Kind::NullValue(0)) },
    };
    ListValue { values: row.into_iter().map(to_value).collect() }
}
