//! Names as SQL writes them.

use std::borrow::Cow;

/// The words that Postgres 17 doesn't take as the name of a column or table.
const RESERVED: &str = "all analyse analyze and any array as asc asymmetric authorization binary \
    both case cast check collate collation column concurrently constraint create cross \
    current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user default deferrable desc distinct do else end except false fetch for foreign \
    freeze from full grant group having ilike in initially inner intersect into is isnull join \
    lateral leading left like limit localtime localtimestamp natural not notnull null offset on \
    only or order outer overlaps placing primary references returning right select session_user \
    similar some symmetric system_user table tablesample then to trailing true union unique user \
    using variadic verbose when where window with";

/// Quotes a name only if it needs to be.
pub(crate) fn identifier(name: &str) -> Cow<'_, str> {
    let is_start = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_plain = name.starts_with(is_start)
        && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
        && !RESERVED.split_ascii_whitespace().any(|it| it == name);
    if is_plain { name.into() } else { format!("\"{}\"", name.replace('"', "\"\"")).into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(identifier(name), expected);
    }

    #[test]
    fn a_name_is_quoted_only_if_it_needs_to_be() {
        check("body_mass_g", "body_mass_g");
        check("date", "date");
        check("_2", "_2");
        check("order", "\"order\"");
        check("Name", "\"Name\"");
        check("2012", "\"2012\"");
        check("total sales", "\"total sales\"");
        check("preço", "\"preço\"");
        check("a\"b", "\"a\"\"b\"");
    }
}
