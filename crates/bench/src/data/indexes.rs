//! Indexes that are built at once when the rows are there, which is faster than row by row. In
//! the end they are what they were.

use anyhow::ensure;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio_postgres::Client;

use super::load::connect;

/// Of a primary key there may be foreign keys, and rows come in its order.
const DEFINITIONS: &str = "
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text,
        pg_get_indexdef(i.indexrelid), c.conname
    FROM pg_index i
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'u'
    WHERE i.indrelid = ANY ($1::text[]::regclass[]) AND NOT i.indisprimary
    ORDER BY pg_get_indexdef(i.indexrelid) LIKE '%USING gin%' DESC, 1";

#[derive(Clone, Debug, PartialEq, Eq)]
struct Index {
    name: String,
    table: String,
    definition: String,
    constraint: Option<String>,
}

#[derive(Debug)]
pub(super) struct Dropped(Vec<Index>);

/// Drops those of some tables.
pub(super) async fn drop_all(client: &Client, tables: &[&str]) -> anyhow::Result<Dropped> {
    let indexes = list(client, tables).await?;
    for Index { name, table, constraint, .. } in &indexes {
        let statement = match constraint {
            Some(constraint) => format!("ALTER TABLE {table} DROP CONSTRAINT {constraint}"),
            None => format!("DROP INDEX {name}"),
        };
        client.batch_execute(&statement).await?;
    }
    Ok(Dropped(indexes))
}

impl Dropped {
    /// Creates them again, some at a time, and makes sure that they are what they were.
    pub(super) async fn create(self, url: &str, at_once: usize) -> anyhow::Result<()> {
        let builds = self.0.iter().map(|index| build(url, index));
        stream::iter(builds).buffer_unordered(at_once).try_collect::<()>().await?;
        let client = connect(url).await?;
        for Index { name, table, constraint, .. } in &self.0 {
            if let Some(constraint) = constraint {
                let add = format!("ADD CONSTRAINT {constraint} UNIQUE USING INDEX {name}");
                client.batch_execute(&format!("ALTER TABLE {table} {add}")).await?;
            }
        }
        let mut tables: Vec<&str> = self.0.iter().map(|index| index.table.as_str()).collect();
        tables.dedup();
        let now = list(&client, &tables).await?;
        ensure!(now == self.0, "the indexes are not what they were: {now:#?}");
        Ok(())
    }
}

async fn build(url: &str, index: &Index) -> anyhow::Result<()> {
    let client = connect(url).await?;
    client.batch_execute("SET maintenance_work_mem = '512MB'").await?;
    Ok(client.batch_execute(&index.definition).await?)
}

async fn list(client: &Client, tables: &[&str]) -> anyhow::Result<Vec<Index>> {
    let rows = client.query(DEFINITIONS, &[&tables]).await?;
    let indexes = rows.iter().map(|row| {
        Ok(Index {
            name: row.try_get(0)?,
            table: row.try_get(1)?,
            definition: row.try_get(2)?,
            constraint: row.try_get(3)?,
        })
    });
    indexes.collect()
}
