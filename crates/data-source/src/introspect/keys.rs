//! What identifies a row, and where it leads.

use std::collections::HashSet;

use tokio_postgres::Row;

use crate::schema::{ForeignKey, Table};

/// The keys of the tables that something of may be read, but for those that a
/// partition has from its table.
pub(super) const KEYS: &str = "
    SELECT n.nspname::text, c.relname::text, k.contype = 'p',
           ARRAY(SELECT a.attname::text
                   FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute a
                     ON a.attrelid = k.conrelid AND a.attnum = u.attnum
                  ORDER BY u.place),
           fn.nspname::text, f.relname::text,
           ARRAY(SELECT a.attname::text
                   FROM pg_catalog.unnest(k.confkey) WITH ORDINALITY AS u(attnum, place)
                   JOIN pg_catalog.pg_attribute a
                     ON a.attrelid = k.confrelid AND a.attnum = u.attnum
                  ORDER BY u.place)
      FROM pg_catalog.pg_constraint k
      JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid
      LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace
     WHERE k.contype IN ('p', 'f') AND k.conparentid = 0 AND NOT c.relispartition
       AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
       AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
     ORDER BY k.conname::text COLLATE \"C\", k.oid
     LIMIT 20000";

/// Adds the keys to the tables, if all that they name is there.
pub(super) fn add(tables: &mut [Table], rows: &[Row]) -> Result<(), tokio_postgres::Error> {
    let known: HashSet<(String, String, String)> = tables.iter().flat_map(columns_of).collect();
    let is_known = |schema: &str, table: &str, columns: &[String]| {
        let name = |column: &String| (schema.to_owned(), table.to_owned(), column.clone());
        columns.iter().all(|column| known.contains(&name(column)))
    };
    for row in rows {
        let (schema, name): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        let columns: Vec<String> = row.try_get(3)?;
        let Some(table) = find(tables, schema, name) else { continue };
        if !is_known(schema, name, &columns) {
            continue;
        }
        if row.try_get(2)? {
            table.primary_key = columns;
            continue;
        }
        let key = ForeignKey {
            columns,
            schema: row.try_get(4)?,
            table: row.try_get(5)?,
            referenced: row.try_get(6)?,
        };
        if is_known(&key.schema, &key.table, &key.referenced) {
            table.foreign_keys.push(key);
        }
    }
    Ok(())
}

fn columns_of(table: &Table) -> impl Iterator<Item = (String, String, String)> {
    let name = |column: &str| (table.schema.clone(), table.name.clone(), column.to_owned());
    table.columns.iter().map(move |column| name(&column.name))
}

/// The tables are sorted.
fn find<'a>(tables: &'a mut [Table], schema: &str, name: &str) -> Option<&'a mut Table> {
    let place = tables
        .binary_search_by(|it| (it.schema.as_str(), it.name.as_str()).cmp(&(schema, name)))
        .ok()?;
    tables.get_mut(place)
}
