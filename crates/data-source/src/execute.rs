//! Running an agent's statement, within bounds.

mod count;
mod plan;
mod wrapper;

use std::{pin::pin, time::Duration};

use futures::{TryStreamExt, future::try_join};
use postgres_protocol::escape::escape_identifier;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Column, Row, RowStream, Statement, types::Kind, types::Type};
use tracing::{Span, field::Empty};

use self::wrapper::Wrapped;
use crate::{
    Error, Pools, Rows, Schema, Source,
    guard::Query,
    pool::Lease,
    rows::{ResultColumn, TruncatedBy},
    session::Session,
};

/// What one query may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    pub max_rows: u32,
    /// Of the values as Postgres prints them, and four bytes for each.
    pub max_bytes: usize,
    /// From the wait for a connection to the last row.
    pub timeout: Duration,
    /// By the planner's estimate, in its units.
    pub max_cost: f64,
}

/// What may be on its way to us besides the rows that we keep.
const READ_AHEAD: u64 = 1024 * 1024;

/// A query on its way, and what it may take.
struct Execution<'a> {
    search_path: String,
    query: &'a str,
    limits: &'a Limits,
    deadline: Instant,
}

impl Pools {
    /// Runs a query on its data source: read-only, on one snapshot, by itself on a
    /// connection, and never longer than its limits.
    ///
    /// Dropping the future stops the query at its data source too.
    #[tracing::instrument(name = "data_source.query", skip_all, fields(
        otel.name = "SELECT",
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "postgresql",
        db.operation.name = "SELECT",
        db.response.returned_rows = Empty,
        db.response.status_code = Empty,
        error.type = Empty,
    ))]
    pub async fn query(
        &self,
        source: &Source,
        schema: &Schema,
        query: &Query,
        limits: &Limits,
    ) -> Result<Rows, Error> {
        let queried = self.execute(source, schema, query, limits).await;
        note(&queried);
        queried
    }

    async fn execute(
        &self,
        source: &Source,
        schema: &Schema,
        query: &Query,
        limits: &Limits,
    ) -> Result<Rows, Error> {
        let started = Instant::now();
        let deadline = started + limits.timeout;
        let search_path = search_path(schema);
        let execution = Execution { search_path, query: query.as_str(), limits, deadline };

        let lease = self.lease(source, deadline).await?;
        let rows = timeout_at(deadline, Box::pin(execution.rows(&lease))).await;
        let rows = match rows.map_err(|_| Error::TimedOut)? {
            Ok(rows) => rows,
            Err(error) => {
                lease.end_after(&error).await;
                return Err(error);
            }
        };
        let took = started.elapsed();
        let total_rows = match rows.truncated_by {
            None => {
                lease.give_back().await;
                Some(rows.rows.len() as u64)
            }
            Some(TruncatedBy::Rows) => execution.count(lease).await,
            Some(TruncatedBy::Bytes) => {
                // Its server is still sending.
                drop(lease);
                self.count(source, &execution).await
            }
        };
        Ok(Rows { total_rows, took, ..rows })
    }

    /// Counts on another connection, so that a row that came or went meanwhile may
    /// be counted or not.
    async fn count(&self, source: &Source, execution: &Execution<'_>) -> Option<u64> {
        let lease = self.lease(source, execution.deadline).await.ok()?;
        let begin = Box::pin(execution.begin(&lease));
        timeout_at(execution.deadline, begin).await.ok()?.ok()?;
        execution.count(lease).await
    }
}

impl Execution<'_> {
    async fn begin(&self, session: &Session) -> Result<(), Error> {
        session.budget().set(READ_AHEAD);
        let limit = self.deadline.saturating_duration_since(Instant::now());
        session.begin_reading(&self.search_path, limit).await.map_err(Error::of_statement)
    }

    async fn rows(&self, session: &Session) -> Result<Rows, Error> {
        // Sent at once; the server takes them one after the other.
        let described = async {
            let described = session.describe(self.query).await;
            described.map_err(|error| Wrapped::bare(self.query).failure(error))
        };
        let ((), described) = try_join(self.begin(session), described).await?;
        let columns = columns_of(&described)?;

        let printing = Wrapped::printing(self.query, &described, self.limits.max_rows);
        plan::cost(session, &printing).await?.check(self.limits.max_cost)?;

        session.budget().set(READ_AHEAD + self.limits.max_bytes as u64);
        let parameters: [(&str, Type); 0] = [];
        let stream = session.client.query_typed_raw(&printing.text(), parameters).await;
        let stream = stream.map_err(|error| printing.failure(error))?;
        let rows = Rows { columns, ..Rows::default() };
        collect(stream, session, rows, self.limits, &printing).await
    }

    /// Counts the rows of a statement that was cut; the lease ends with it.
    async fn count(&self, lease: Lease) -> Option<u64> {
        let counted = count::total_rows(&lease, self.query, self.limits.max_cost, self.deadline);
        match counted.await {
            Ok(total_rows) => {
                lease.give_back().await;
                total_rows
            }
            Err(error) => {
                tracing::debug!(sqlstate = sqlstate(&error), "rows not counted");
                None
            }
        }
    }
}

/// What may be told of a failure: the data source's words may hold values.
fn sqlstate(error: &Error) -> Option<&str> {
    match error {
        Error::Statement { sqlstate, .. } => Some(sqlstate),
        _ => None,
    }
}

/// Notes what came of a query, without a word of the data source's.
fn note(queried: &Result<Rows, Error>) {
    let span = Span::current();
    let error = match queried {
        Ok(rows) => {
            span.record("db.response.returned_rows", rows.rows.len());
            return;
        }
        Err(error) => error,
    };
    span.record("otel.status_code", "ERROR");
    let sqlstate = sqlstate(error);
    span.record("db.response.status_code", sqlstate);
    span.record("error.type", sqlstate.unwrap_or("_OTHER"));
}

fn columns_of(statement: &Statement) -> Result<Vec<ResultColumn>, Error> {
    if !statement.params().is_empty() {
        return Err(Error::refused("42P02", "the statement has parameters"));
    }
    if statement.columns().is_empty() {
        return Err(Error::refused("42601", "the statement returns no columns"));
    }
    let columns = statement.columns().iter();
    Ok(columns
        .map(|it| ResultColumn { name: it.name().to_owned(), type_name: type_name(it) })
        .collect())
}

fn type_name(column: &Column) -> String {
    let type_ = column.type_();
    match type_.kind() {
        // Postgres names most arrays so, but not its vectors of ids.
        Kind::Array(element) if type_.name().starts_with('_') => format!("{}[]", element.name()),
        _ => type_.name().to_owned(),
    }
}

/// The tables' own schemas, for their types and for what extensions have put there:
/// after the system's functions and operators, and before what someone may have left
/// in the session's temporary one. Not those in which a function fits better than the
/// system's.
fn search_path(schema: &Schema) -> String {
    let mut schemas: Vec<&str> = Vec::new();
    for table in &schema.tables {
        let is_known = schemas.contains(&table.schema.as_str());
        if !is_known && !schema.shadowing.contains(&table.schema) {
            schemas.push(&table.schema);
        }
    }
    let quoted = schemas.into_iter().map(escape_identifier);
    let path = ["pg_catalog".to_owned()].into_iter().chain(quoted).chain(["pg_temp".to_owned()]);
    path.collect::<Vec<_>>().join(", ")
}

async fn collect(
    stream: RowStream,
    session: &Session,
    mut rows: Rows,
    limits: &Limits,
    statement: &Wrapped<'_>,
) -> Result<Rows, Error> {
    let mut stream = pin!(stream);
    let mut bytes = 0;
    loop {
        let row = match stream.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(rows),
            Err(_) if session.budget().is_spent() => return Ok(cut(rows, TruncatedBy::Bytes)),
            Err(error) => return Err(statement.failure(error)),
        };
        if rows.rows.len() >= limits.max_rows as usize {
            return Ok(cut(rows, TruncatedBy::Rows));
        }
        let values = values_of(&row)?;
        bytes += values.iter().map(|value| 4 + value.map_or(0, str::len)).sum::<usize>();
        if bytes > limits.max_bytes {
            return Ok(cut(rows, TruncatedBy::Bytes));
        }
        rows.rows.push(values.into_iter().map(|value| value.map(str::to_owned)).collect());
    }
}

fn cut(rows: Rows, by: TruncatedBy) -> Rows {
    Rows { truncated_by: Some(by), ..rows }
}

fn values_of(row: &Row) -> Result<Vec<Option<&str>>, Error> {
    let values = (0..row.len()).map(|index| row.try_get(index));
    // A database with the encoding SQL_ASCII sends whatever it was given.
    let not_text = |_| Error::refused("22021", "the data source holds text that is not UTF-8");
    values.collect::<Result<_, _>>().map_err(not_text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Table;

    #[test]
    fn the_search_path_holds_each_schema_once_and_quoted() {
        let table = |schema: &str| Table {
            schema: schema.to_owned(),
            name: "t".to_owned(),
            ..Table::default()
        };
        let tables = ["sales", "a\"b", "sales", "odd"].map(table).to_vec();
        let schema = Schema { tables, shadowing: vec!["odd".to_owned()] };
        assert_eq!(search_path(&schema), "pg_catalog, \"sales\", \"a\"\"b\", pg_temp");
        assert_eq!(search_path(&Schema::default()), "pg_catalog, pg_temp");
    }
}
