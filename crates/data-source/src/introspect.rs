//! What a login role can read.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Row;

use crate::{
    Error, Schema, Source, connect,
    egress::Egress,
    schema::{Column, Kind, Table},
    session::Session,
};

const MAX_TABLES: usize = 1_000;
const MAX_COLUMNS: usize = 20_000;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Some hundred bytes a column are plenty.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Every column that may be read, in order. Partitions are left out: they are
/// read through their table.
const COLUMNS: &str = "
    SELECT n.nspname::text, c.relname::text, a.attname::text,
           pg_catalog.format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
           t.typcategory::text, t.typname::text
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

/// Lists the tables and views that the source's role can read, in no schema of
/// the system.
#[tracing::instrument(name = "data_source.introspect", skip_all)]
pub async fn introspect(source: &Source, egress: &Egress) -> Result<Schema, Error> {
    let session = connect::connect(source, egress).await?;
    session.budget().set(MAX_BYTES);
    let rows = timeout(TIMEOUT, Box::pin(read(&session))).await.map_err(|_| Error::TimedOut)?;
    let rows = rows.map_err(|error| too_much_or(&session, error))?;
    session.close().await;

    if rows.len() > MAX_COLUMNS {
        return Err(too_large());
    }
    let tables = to_tables(&rows).map_err(Error::of_statement)?;
    if tables.len() > MAX_TABLES { Err(too_large()) } else { Ok(Schema { tables }) }
}

async fn read(session: &Session) -> Result<Vec<Row>, tokio_postgres::Error> {
    session.begin_reading("pg_catalog, pg_temp", TIMEOUT).await?;
    session.client.query_typed(COLUMNS, &[]).await
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
    })
}
