//! What a data source holds, as an agent and its model see it.

use serde::{Deserialize, Serialize};

use crate::Samples;

/// The tables that a login role may read, sorted by schema and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    pub tables: Vec<Table>,
    /// Schemas with functions or operators that a statement could mean in place of
    /// the server's own: they are not searched.
    #[serde(default)]
    pub shadowing: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The namespace that the table is in, `public` for example.
    pub schema: String,
    pub name: String,
    pub columns: Vec<Column>,
    // What follows is not in the schemas that older releases stored.
    #[serde(default)]
    pub comment: Option<String>,
    /// Empty if there is none, or if a part of it may not be read.
    #[serde(default)]
    pub primary_key: Vec<String>,
    /// Those that lead to a table that may be read as well.
    #[serde(default)]
    pub foreign_keys: Vec<ForeignKey>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub columns: Vec<String>,
    /// The namespace of the table that it leads to.
    pub schema: String,
    pub table: String,
    /// In the order of `columns`.
    pub referenced: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// As Postgres prints it: `bigint`, `numeric(10,2)`, `timestamp without time zone`.
    pub type_name: String,
    pub kind: Kind,
    pub nullable: bool,
    #[serde(default)]
    pub comment: Option<String>,
    /// Of an enumerated type, the first hundred in its order.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A few values, if they were asked for: these are cells, not schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<String>,
}

/// What can be done with a column's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    Text,
    Boolean,
    /// A date or a point in time.
    Time,
    #[default]
    Other,
}

impl Schema {
    /// Keeps the tables that `allow_list` names, all of them if it is empty, and the
    /// foreign keys between those.
    ///
    /// An entry is `table` or `schema.table`, compared to the letter.
    pub fn narrowed_to(mut self, allow_list: &[String]) -> Self {
        if allow_list.is_empty() {
            return self;
        }
        let is_kept = |schema: &str, table: &str| {
            let qualified = format!("{schema}.{table}");
            allow_list.iter().any(|it| *it == table || *it == qualified)
        };
        self.tables.retain(|table| is_kept(&table.schema, &table.name));
        for table in &mut self.tables {
            table.foreign_keys.retain(|key| is_kept(&key.schema, &key.table));
        }
        self
    }

    /// Shows a few values with each column that there are some of.
    pub fn with_samples(mut self, samples: &Samples) -> Self {
        for table in &mut self.tables {
            for column in &mut table.columns {
                column.samples = samples.of(&table.schema, &table.name, &column.name).to_vec();
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(names: &[(&str, &str)]) -> Schema {
        let table = |&(schema, name): &(&str, &str)| Table {
            schema: schema.to_owned(),
            name: name.to_owned(),
            ..Table::default()
        };
        Schema { tables: names.iter().map(table).collect(), ..Schema::default() }
    }

    #[track_caller]
    fn check(allow_list: &[&str], expected: &[(&str, &str)]) {
        let all = schema(&[("public", "orders"), ("private", "orders"), ("public", "customers")]);
        let allow_list: Vec<String> = allow_list.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(all.narrowed_to(&allow_list), schema(expected));
    }

    #[test]
    fn an_allow_list_keeps_the_tables_that_it_names() {
        check(&["public.orders"], &[("public", "orders")]);
        check(&["orders"], &[("public", "orders"), ("private", "orders")]);
        check(&["nothing"], &[]);
        check(&["Orders"], &[]);
    }

    #[test]
    fn an_empty_allow_list_keeps_every_table() {
        check(&[], &[("public", "orders"), ("private", "orders"), ("public", "customers")]);
    }

    #[test]
    fn a_foreign_key_to_a_table_outside_is_dropped() {
        let to = |table: &str| ForeignKey {
            schema: "public".to_owned(),
            table: table.to_owned(),
            ..ForeignKey::default()
        };
        let mut all = schema(&[("public", "orders"), ("public", "customers"), ("public", "items")]);
        all.tables[0].foreign_keys = vec![to("customers"), to("items")];

        let narrowed = all.narrowed_to(&["orders".to_owned(), "public.items".to_owned()]);

        assert_eq!(narrowed.tables[0].foreign_keys, [to("items")]);
    }

    #[test]
    fn a_schema_that_an_older_release_stored_can_be_read() {
        let stored = r#"{"tables": [{"schema": "public", "name": "t", "columns": [
            {"name": "n", "type_name": "bigint", "kind": "number", "nullable": false}]}]}"#;

        let schema: Schema = serde_json::from_str(stored).unwrap();

        let column = Column {
            name: "n".to_owned(),
            type_name: "bigint".to_owned(),
            kind: Kind::Number,
            ..Column::default()
        };
        assert_eq!(schema.tables[0].columns, [column]);
        assert!(schema.tables[0].primary_key.is_empty());
    }
}
