//! A query inside of a statement of ours.
//!
//! The wrapper is a guard as well: the grammar allows nothing inside it that
//! writes, and no second statement.

use tokio_postgres::{Statement, types::Type};

use crate::Error;

pub(super) struct Wrapped<'a> {
    before: String,
    query: &'a str,
    after: String,
}

impl<'a> Wrapped<'a> {
    /// The query by itself.
    pub(super) fn bare(query: &'a str) -> Self {
        Self { before: String::new(), query, after: String::new() }
    }

    /// Has Postgres print every value and stop one row after the limit.
    pub(super) fn printing(query: &'a str, described: &Statement, max_rows: u32) -> Self {
        let types = described.columns().iter().map(|column| column.type_());
        Self::printing_types(query, types, max_rows)
    }

    fn printing_types<'t>(
        query: &'a str,
        types: impl Iterator<Item = &'t Type>,
        max_rows: u32,
    ) -> Self {
        let printed =
            types.enumerate().map(|(index, it)| (printed(index, it), format!("c{index}")));
        let (printed, names): (Vec<_>, Vec<_>) = printed.unzip();
        let limit = u64::from(max_rows) + 1;
        Self {
            before: format!("SELECT {} FROM (\n", printed.join(", ")),
            query,
            after: format!("\n) AS q({}) LIMIT {limit}", names.join(", ")),
        }
    }

    pub(super) fn counting(query: &'a str) -> Self {
        let before = "SELECT pg_catalog.count(*) FROM (\n".to_owned();
        Self { before, query, after: "\n) AS q".to_owned() }
    }

    pub(super) fn explained(&self) -> Self {
        let before = format!("EXPLAIN (FORMAT JSON) {}", self.before);
        Self { before, query: self.query, after: self.after.clone() }
    }

    pub(super) fn text(&self) -> String {
        [&self.before, self.query, &self.after].concat()
    }

    /// What its failure means, with the position counted in the query.
    pub(super) fn failure(&self, error: tokio_postgres::Error) -> Error {
        let mut error = Error::of_statement(error);
        if let Error::Statement { position, .. } = &mut error {
            *position = position.and_then(|it| self.position_in_query(it));
        }
        error
    }

    fn position_in_query(&self, position: u32) -> Option<u32> {
        let before = u32::try_from(self.before.chars().count()).ok()?;
        let length = self.query.chars().count();
        let position = position.checked_sub(before)?;
        (1..=length).contains(&(position as usize)).then_some(position)
    }
}

/// Has a column printed as its type is, where the cast to `text` is another: that
/// leaves a `char`'s blanks out, and gives every `inet` a netmask.
fn printed(index: usize, type_: &Type) -> String {
    match *type_ {
        Type::BPCHAR => format!("pg_catalog.textin(pg_catalog.bpcharout(c{index}))"),
        Type::INET => format!("pg_catalog.textin(pg_catalog.inet_out(c{index}))"),
        _ => format!("c{index}::text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapper_prints_every_column_and_survives_a_trailing_comment() {
        let query = "SELECT 1, 2 -- two";
        assert_eq!(
            Wrapped::printing_types(query, [Type::INT4, Type::BPCHAR].iter(), 10).text(),
            "SELECT c0::text, pg_catalog.textin(pg_catalog.bpcharout(c1)) FROM (\nSELECT 1, 2 -- \
             two\n) AS q(c0, c1) LIMIT 11"
        );
        assert_eq!(
            Wrapped::counting(query).explained().text(),
            "EXPLAIN (FORMAT JSON) SELECT pg_catalog.count(*) FROM (\nSELECT 1, 2 -- two\n) AS q"
        );
    }

    #[test]
    fn a_position_is_counted_in_the_query_or_not_at_all() {
        let wrapped = Wrapped::printing_types("SÉ", [Type::INT4].iter(), 10);
        let before = wrapped.before.chars().count() as u32;

        let positions = (0..4).map(|it| wrapped.position_in_query(before + it));
        assert_eq!(positions.collect::<Vec<_>>(), [None, Some(1), Some(2), None]);
        assert_eq!(wrapped.position_in_query(1), None);
    }
}
