//! The rows that answers were given from. They are written by [`crate::runs::end`]
//! alone.

use sea_orm::{DbBackend, FromQueryResult, Statement, TryGetableFromJson, entity::prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Error, RunId, UserId, entity::run::TruncatedBy, error::Entity, runs::SESSION_IS_THERE,
};

/// What a statement gave, as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunResult {
    /// In order; two may have the same name.
    pub columns: Vec<Column>,
    /// In the statement's order, each value as Postgres printed it; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// As Postgres names it: `int8`, `numeric`, `text[]`.
    #[serde(rename = "type")]
    pub type_name: String,
}

impl RunResult {
    /// The columns and the rows, as they are stored.
    pub(crate) fn to_json(&self) -> (Json, Json) {
        (json!(self.columns), json!(self.rows))
    }
}

/// Which of a result's rows to read.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    pub skip: u32,
    pub limit: u32,
}

impl Range {
    pub const ALL: Self = Self { skip: 0, limit: MAX_PLACE };
}

/// The largest place in an array that a JSON path can name. No result has as many
/// rows.
const MAX_PLACE: u32 = i32::MAX.unsigned_abs();

/// Rows of a result, and what all of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows are kept.
    pub row_count: i64,
    pub truncated_by: Option<TruncatedBy>,
    /// How many rows the statement has without any limit, if that is known.
    pub total_rows: Option<i64>,
}

#[derive(Deserialize)]
struct Columns(Vec<Column>);

#[derive(Deserialize)]
struct Rows(Vec<Vec<Option<String>>>);

impl TryGetableFromJson for Columns {}
impl TryGetableFromJson for Rows {}

#[derive(FromQueryResult)]
struct Found {
    row_count: Option<i64>,
    truncated_by: Option<TruncatedBy>,
    total_rows: Option<i64>,
    columns: Option<Columns>,
    rows: Option<Rows>,
}

/// Reads rows of a run's result; no others leave the database.
#[tracing::instrument(name = "db.result.page", skip_all, fields(run.id = %run_id))]
pub async fn page(
    db: &impl ConnectionTrait,
    user_id: UserId,
    run_id: RunId,
    range: Range,
) -> Result<Page, Error> {
    let sql = format!(
        "SELECT runs.row_count, runs.truncated_by, runs.total_rows, result.columns,
            jsonb_path_query_array(result.rows, '$[$first to $last]', $3) AS rows
        FROM runs LEFT JOIN run_results result ON result.run_id = runs.id
        WHERE runs.id = $1 AND runs.user_id = $2 AND {SESSION_IS_THERE}"
    );
    let end = range.skip.saturating_add(range.limit).min(MAX_PLACE);
    let places = json!({ "first": range.skip.min(MAX_PLACE), "last": i64::from(end) - 1 });
    let values: [sea_orm::Value; 3] = [run_id.into(), user_id.into(), places.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let found = Found::find_by_statement(statement).one(db).await?;
    let found = found.ok_or(Error::NotFound(Entity::Run))?;
    let (Some(Columns(columns)), Some(Rows(rows))) = (found.columns, found.rows) else {
        return Err(match found.row_count {
            Some(_) => Error::ResultExpired,
            None => Error::NotFound(Entity::Result),
        });
    };
    Ok(Page {
        columns,
        rows,
        row_count: found.row_count.unwrap_or_default(),
        truncated_by: found.truncated_by,
        total_rows: found.total_rows,
    })
}
