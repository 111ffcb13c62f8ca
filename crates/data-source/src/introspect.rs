//! What a login role can read.

mod keys;
mod shadowing;

use std::time::Duration;

use futures::future::try_join4;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use crate::{
    Error, Pools, Schema, Source,
    schema::{Column, Kind, Table},
    session::Session,
};

const MAX_TABLES: usize = 1_000;
const MAX_COLUMNS: usize = 20_000;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Some hundred bytes a column are plenty, comments included.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// Every column that may be read, in order; the first of a table brings the table's
/// comment. Partitions are left out: they are read through their table.
const COLUMNS: &str = "
    SELECT n.nspname::text, c.relname::text, a.attname::text,
           pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           t.typcategory::text, t.typname::text,
           CASE WHEN a.attnum = pg_catalog.min(a.attnum) OVER (PARTITION BY c.oid)
                THEN pg_catalog.left(pg_catalog.obj_description(c.oid, 'pg_class'), 500) END,
           pg_catalog.left(pg_catalog.col_description(c.oid, a.attnum), 500),
           ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
                  WHERE e.enumtypid IN (t.oid, t.typbasetype)
                  ORDER BY e.enumsortorder LIMIT 100)
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
       AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
       AND a.attnum > 0 AND NOT a.attisdropped
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND (pg_catalog.has_table_privilege(c.oid, 'SELECT')
            OR pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT'))
     ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\", a.attnum
     LIMIT 20001";

impl Pools {
    /// Lists the tables and views that the source's role can read, in no schema of
    /// the system.
    #[tracing::instrument(name = "data_source.introspect", skip_all)]
    pub async fn introspect(&self, source: &Source) -> Result<Schema, Error> {
        let deadline = Instant::now() + TIMEOUT;
        let lease = self.lease(source, deadline).await?;
        lease.budget().set(MAX_BYTES);
        let read = timeout_at(deadline, Box::pin(read(&lease))).await;
        let (columns, keys, shadowing) =
            read.map_err(|_| Error::TimedOut)?.map_err(|error| too_much_or(&lease, error))?;
        lease.give_back().await;

        if columns.len() > MAX_COLUMNS {
            return Err(too_large());
        }
        let mut tables = to_tables(&columns).map_err(Error::of_statement)?;
        if tables.len() > MAX_TABLES {
            return Err(too_large());
        }
        keys::add(&mut tables, &keys).map_err(Error::of_statement)?;
        let shadowing = shadowing::to_schemas(&shadowing).map_err(Error::of_statement)?;
        Ok(Schema { tables, shadowing })
    }
}

async fn read(session: &Session) -> Result<(Vec<Row>, Vec<Row>, Vec<Row>), tokio_postgres::Error> {
    // Sent at once.
    let begin = session.begin_reading("pg_catalog, pg_temp", TIMEOUT);
    let columns = session.client.query_typed(COLUMNS, &[]);
    let keys = session.client.query_typed(keys::KEYS, &[]);
    let shadowing = shadowing::read(session);
    let ((), columns, keys, shadowing) = try_join4(begin, columns, keys, shadowing).await?;
    Ok((columns, keys, shadowing))
}

fn too_much_or(session: &Session, error: tokio_postgres::Error) -> Error {
    if session.budget().is_spent() { too_large() } else { Error::of_statement(error) }
}

fn too_large() -> Error {
    Error::SchemaTooLarge { max_tables: MAX_TABLES, max_columns: MAX_COLUMNS }
}

/// Gathers columns, which come table by table.
fn to_tables(rows: &[Row]) -> Result<Vec<Table>, tokio_postgres::Error> {
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let (schema, name): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let column = to_column(row)?;
        match tables.last_mut() {
            Some(table) if table.schema == schema && table.name == name => {
                table.columns.push(column);
            }
            _ => tables.push(Table {
                schema: schema.to_owned(),
                name: name.to_owned(),
                columns: vec![column],
                comment: row.try_get(7)?,
                ..Table::default()
            }),
        }
    }
    Ok(tables)
}

fn to_column(row: &Row) -> Result<Column, tokio_postgres::Error> {
    let kind = match (row.try_get(5)?, row.try_get(6)?) {
        ("D", "time" | "timetz") => Kind::Other,
        ("D", _) => Kind::Time,
        // The numeric category holds object ids and their aliases too.
        ("N", name) if name == "oid" || name.starts_with("reg") => Kind::Other,
        ("N", _) => Kind::Number,
        ("S" | "E", _) => Kind::Text,
        ("B", _) => Kind::Boolean,
        _ => Kind::Other,
    };
    Ok(Column {
        name: row.try_get(2)?,
        type_name: row.try_get(3)?,
        kind,
        nullable: row.try_get(4)?,
        comment: row.try_get(8)?,
        labels: row.try_get(9)?,
        samples: Vec::new(),
    })
}
