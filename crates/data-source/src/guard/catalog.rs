use std::collections::BTreeSet;

use sqlparser::ast::{ObjectName, ObjectNamePart};

use super::names;
use super::refusal::Refusal;
use crate::schema::{Schema, Table};

/// The tables that may be read, and the types that their columns have.
#[derive(Debug)]
pub(super) struct Catalog<'a> {
    tables: Vec<&'a Table>,
    types: BTreeSet<String>,
}

impl<'a> Catalog<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        let mut tables: Vec<&Table> = schema.tables.iter().filter(|it| !is_system(it)).collect();
        let columns = tables.iter().flat_map(|table| &table.columns);
        let types = columns.map(|column| base_type(&column.type_name).to_lowercase()).collect();
        // Unless a role was told otherwise, `public` is all of its search path.
        tables.sort_by_key(|table| table.schema != "public");
        Self { tables, types }
    }

    /// Finds the table that a name without a CTE of that name stands for. If it is
    /// in several schemas it is that of `public`, or else the first one's.
    pub(super) fn get(&self, name: &ObjectName) -> Result<&'a Table, Refusal> {
        if let [ObjectNamePart::Identifier(ident)] = name.0.as_slice()
            && (names::is_session_word(ident) || names::is_reserved(ident))
        {
            return Err(Refusal::table(format_args!("{ident} (a keyword: put it in quotes)")));
        }
        let parts = names::parts(name).unwrap_or_default();
        let is_meant = |table: &&&Table| match parts.as_slice() {
            [name] => table.name == *name,
            [schema, name] => table.schema == *schema && table.name == *name,
            _ => false,
        };
        self.tables.iter().find(is_meant).copied().ok_or_else(|| Refusal::table(name))
    }

    /// Whether a column that may be read has the type.
    pub(super) fn has_type(&self, name: &str) -> bool {
        let is_meant = |known: &String| {
            known == name || known.rsplit_once('.').is_some_and(|(_, last)| last == name)
        };
        self.types.iter().any(is_meant)
    }
}

/// The server's own tables tell about other databases and roles, whoever lists them.
fn is_system(table: &Table) -> bool {
    table.schema == "information_schema"
        || table.schema.starts_with("pg_")
        || table.name.starts_with("pg_")
}

/// `numeric(10,2)[]` is an array of `numeric`.
fn base_type(type_name: &str) -> &str {
    let end = type_name.find(['(', '[']).unwrap_or(type_name.len());
    type_name[..end].trim()
}
