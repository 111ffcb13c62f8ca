//! A few values of each column, so that a model sees what they look like.

use std::{collections::BTreeMap, time::Duration};

use futures::future::try_join;
use postgres_protocol::escape::escape_identifier;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::{
    Error, Pools, Schema, Source,
    schema::{Kind, Table},
    session::Session,
};

/// For all tables together; those that are not reached by then are left out.
const TIMEOUT: Duration = Duration::from_secs(5);
/// For one table: a view may compute for long before its first row.
const TABLE_TIMEOUT: Duration = Duration::from_secs(1);
const MAX_TABLES: usize = 50;
const MAX_COLUMNS: usize = 100;
/// Of the first thousand rows, at most three short values a column.
const MAX_BYTES: u64 = 256 * 1024;

/// Values by schema, table and column.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Samples(BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<String>>>>);

impl Samples {
    /// A column's values, the most frequent first.
    pub fn of(&self, schema: &str, table: &str, column: &str) -> &[String] {
        let columns = self.0.get(schema).and_then(|tables| tables.get(table));
        columns.and_then(|columns| columns.get(column)).map_or(&[], Vec::as_slice)
    }

    fn insert(&mut self, table: &Table, column: &str, values: Vec<String>) {
        let tables = self.0.entry(table.schema.clone()).or_default();
        tables.entry(table.name.clone()).or_default().insert(column.to_owned(), values);
    }
}

impl Pools {
    /// Takes a few short values from the first rows of each table; what can't be read
    /// in time is left out.
    #[tracing::instrument(name = "data_source.samples", skip_all)]
    pub async fn samples(&self, source: &Source, schema: &Schema) -> Result<Samples, Error> {
        let deadline = Instant::now() + TIMEOUT;
        let mut samples = Samples::default();
        for table in schema.tables.iter().take(MAX_TABLES) {
            let columns = sampled(table);
            if columns.is_empty() {
                continue;
            }
            let limit = TABLE_TIMEOUT.min(deadline.saturating_duration_since(Instant::now()));
            if limit.is_zero() {
                break;
            }
            let lease = self.lease(source, deadline).await?;
            lease.budget().set(MAX_BYTES);
            let values = Box::pin(values(&lease, table, &columns, limit));
            match timeout_at(deadline.min(Instant::now() + TABLE_TIMEOUT), values).await {
                Ok(Ok(found)) => {
                    for (column, values) in columns.into_iter().zip(found) {
                        samples.insert(table, column, values);
                    }
                    lease.give_back().await;
                }
                Ok(Err(error)) => lease.end_after(&Error::of_statement(error)).await,
                Err(_) => drop(lease),
            }
        }
        Ok(samples)
    }
}

fn sampled(table: &Table) -> Vec<&str> {
    let is_sampled = |kind| matches!(kind, Kind::Text | Kind::Number | Kind::Time);
    let columns = table.columns.iter().filter(|it| is_sampled(it.kind) && it.labels.is_empty());
    columns.map(|it| it.name.as_str()).take(MAX_COLUMNS).collect()
}

async fn values(
    session: &Session,
    table: &Table,
    columns: &[&str],
    limit: Duration,
) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
    let statement = statement(table, columns);
    let begin = session.begin_reading("pg_catalog, pg_temp", limit);
    let (_, row) = try_join(begin, session.client.query_typed_one(&statement, &[])).await?;
    (0..row.len()).map(|index| row.try_get(index)).collect()
}

/// One look at the table's first rows, whatever the number of columns.
fn statement(table: &Table, columns: &[&str]) -> String {
    let read = columns.iter().enumerate();
    let read = read.map(|(index, it)| format!("{}::text AS c{index}", escape_identifier(it)));
    let found = (0..columns.len()).map(|index| {
        format!(
            "ARRAY(SELECT c{index} FROM first
                    WHERE char_length(c{index}) BETWEEN 1 AND 40
                    GROUP BY c{index} ORDER BY count(*) DESC, c{index} COLLATE \"C\" LIMIT 3)"
        )
    });
    format!(
        "WITH first AS (SELECT {} FROM {}.{} LIMIT 1000) SELECT {}",
        read.collect::<Vec<_>>().join(", "),
        escape_identifier(&table.schema),
        escape_identifier(&table.name),
        found.collect::<Vec<_>>().join(", ")
    )
}
