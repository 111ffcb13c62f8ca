//! Running an agent's statement, within bounds.

use std::{pin::pin, time::Duration};

use futures::TryStreamExt;
use postgres_protocol::escape::escape_identifier;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::{Row, RowStream, Statement, types::Type};

use crate::{
    Error, Rows, Schema, Source, connect,
    egress::Egress,
    guard::Query,
    rows::{ResultColumn, TruncatedBy},
    session::Session,
};

/// What one query may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_rows: u32,
    /// Of the values as Postgres prints them, and four bytes for each.
    pub max_bytes: usize,
    /// From the look-up of the host to the last row.
    pub timeout: Duration,
}

/// What may be on its way to us besides the rows that we keep.
const READ_AHEAD: u64 = 1024 * 1024;

/// Runs a query on its data source: read-only, on one snapshot, by itself on a
/// connection, and never longer than its limits.
///
/// Dropping the future stops the query at its data source too.
#[tracing::instrument(name = "data_source.query", skip_all)]
pub async fn query(
    source: &Source,
    egress: &Egress,
    schema: &Schema,
    query: &Query,
    limits: &Limits,
) -> Result<Rows, Error> {
    let deadline = Instant::now() + limits.timeout;
    let session = timeout_at(deadline, connect::connect(source, egress));
    let session = session.await.map_err(|late| Error::Unreachable(late.into()))??;

    let search_path = search_path(schema);
    let rows = Box::pin(run(&session, &search_path, query.as_str(), limits));
    let rows = timeout_at(deadline, rows).await.map_err(|_| Error::TimedOut)?;

    let is_over = match &rows {
        Ok(rows) => rows.truncated_by != Some(TruncatedBy::Bytes),
        Err(error) => matches!(error, Error::Statement { .. } | Error::TimedOut),
    };
    if is_over {
        session.close().await;
    }
    rows
}

async fn run(
    session: &Session,
    search_path: &str,
    query: &str,
    limits: &Limits,
) -> Result<Rows, Error> {
    session.begin_reading(search_path, limits.timeout).await.map_err(Error::of_statement)?;
    let statement = session.client.prepare(query).await.map_err(Error::of_statement)?;
    let columns = columns_of(&statement)?;

    session.budget().set(READ_AHEAD + limits.max_bytes as u64);
    let parameters: [(&str, Type); 0] = [];
    let wrapped = wrapped(query, columns.len(), limits.max_rows);
    let stream = session.client.query_typed_raw(&wrapped, parameters).await;
    let stream = stream.map_err(Error::of_statement)?;
    collect(stream, session, Rows { columns, ..Rows::default() }, limits).await
}

fn columns_of(statement: &Statement) -> Result<Vec<ResultColumn>, Error> {
    let refuse = |sqlstate: &str, message: &str| {
        Err(Error::Statement { sqlstate: sqlstate.to_owned(), message: message.to_owned() })
    };
    if !statement.params().is_empty() {
        return refuse("42P02", "the statement has parameters");
    }
    if statement.columns().is_empty() {
        return refuse("42601", "the statement returns no columns");
    }
    let columns = statement.columns().iter().map(|column| ResultColumn {
        name: column.name().to_owned(),
        type_name: column.type_().name().to_owned(),
    });
    Ok(columns.collect())
}

/// Has Postgres print every value and stop one row after the limit.
///
/// The wrapper is a guard as well: the grammar allows nothing inside it that
/// writes, and no second statement.
fn wrapped(query: &str, columns: usize, max_rows: u32) -> String {
    let list = |suffix: &str| {
        let names: Vec<_> = (0..columns).map(|index| format!("c{index}{suffix}")).collect();
        names.join(", ")
    };
    let limit = u64::from(max_rows) + 1;
    format!("SELECT {} FROM (\n{query}\n) AS q({}) LIMIT {limit}", list("::text"), list(""))
}

/// The tables' own schemas, after the system's functions and operators and
/// before what someone may have left in the session's temporary one.
fn search_path(schema: &Schema) -> String {
    let mut schemas: Vec<&str> = Vec::new();
    for table in &schema.tables {
        if !schemas.contains(&table.schema.as_str()) {
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
) -> Result<Rows, Error> {
    let mut stream = pin!(stream);
    let mut bytes = 0;
    loop {
        let row = match stream.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(rows),
            Err(_) if session.budget().is_spent() => return Ok(cut(rows, TruncatedBy::Bytes)),
            Err(error) => return Err(Error::of_statement(error)),
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
    values.collect::<Result<_, _>>().map_err(|_| Error::Statement {
        sqlstate: "22021".to_owned(),
        message: "the data source holds text that is not UTF-8".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Table;

    #[test]
    fn the_wrapper_prints_every_column_and_survives_a_trailing_comment() {
        assert_eq!(
            wrapped("SELECT 1, 2 -- two", 2, 10),
            "SELECT c0::text, c1::text FROM (\nSELECT 1, 2 -- two\n) AS q(c0, c1) LIMIT 11"
        );
    }

    #[test]
    fn the_search_path_holds_each_schema_once_and_quoted() {
        let table = |schema: &str| Table {
            schema: schema.to_owned(),
            name: "t".to_owned(),
            columns: Vec::new(),
        };
        let schema = Schema { tables: vec![table("sales"), table("a\"b"), table("sales")] };
        assert_eq!(search_path(&schema), "pg_catalog, \"sales\", \"a\"\"b\", pg_temp");
        assert_eq!(search_path(&Schema::default()), "pg_catalog, pg_temp");
    }
}
