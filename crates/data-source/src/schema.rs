//! What a data source holds, as an agent and its model see it.

use serde::{Deserialize, Serialize};

/// The tables that a login role may read, sorted by schema and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    pub tables: Vec<Table>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The namespace that the table is in, `public` for example.
    pub schema: String,
    pub name: String,
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// As Postgres prints it: `bigint`, `numeric(10,2)`, `timestamp without time zone`.
    pub type_name: String,
    pub kind: Kind,
    pub nullable: bool,
}

/// What can be done with a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Number,
    Text,
    Boolean,
    /// A date or a point in time.
    Time,
    Other,
}

impl Schema {
    /// Keeps the tables that `allow_list` names, all of them if it is empty.
    ///
    /// An entry is `table` or `schema.table`, compared to the letter.
    pub fn narrowed_to(mut self, allow_list: &[String]) -> Self {
        if !allow_list.is_empty() {
            self.tables.retain(|table| {
                let qualified = format!("{}.{}", table.schema, table.name);
                allow_list.iter().any(|it| *it == table.name || *it == qualified)
            });
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
            columns: Vec::new(),
        };
        Schema { tables: names.iter().map(table).collect() }
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
}
