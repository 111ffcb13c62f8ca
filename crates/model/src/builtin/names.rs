//! Finds the tables and columns of a schema in a question.

use data_source::Schema;

use super::words::{Shape, Token, name_words};

/// Left out when people speak: "body mass" is `body_mass_g`.
const UNITS: [&str; 8] = ["g", "kg", "mm", "cm", "m", "km", "c", "f"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ColumnId {
    pub(super) table: usize,
    pub(super) column: usize,
}

/// A column as the question names it: every column that it could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    pub(super) raw: String,
    pub(super) columns: Vec<ColumnId>,
}

/// Every name in a schema, folded for comparing.
#[derive(Debug)]
pub(super) struct Names {
    tables: Vec<(Vec<String>, usize)>,
    columns: Vec<(Vec<String>, ColumnId)>,
}

impl Names {
    pub(super) fn of(schema: &Schema) -> Self {
        let mut names = Self { tables: Vec::new(), columns: Vec::new() };
        for (table, it) in schema.tables.iter().enumerate() {
            names.tables.push((name_words(&it.name), table));
            names.tables.push((name_words(&format!("{}.{}", it.schema, it.name)), table));
            for (column, it) in it.columns.iter().enumerate() {
                names.columns.push((name_words(&it.name), ColumnId { table, column }));
            }
        }
        names
    }

    /// The tables that the tokens start with the name of, and the name's length.
    pub(super) fn tables(&self, tokens: &[Token<'_>]) -> Option<(Vec<usize>, usize)> {
        best(&self.tables, tokens)
    }

    pub(super) fn column(&self, tokens: &[Token<'_>]) -> Option<(Mention, usize)> {
        let (columns, length) = best(&self.columns, tokens)?;
        let raw: Vec<&str> = tokens[..length].iter().map(|it| it.raw).collect();
        Some((Mention { raw: raw.join(" "), columns }, length))
    }
}

/// The longest match wins, then the most exact one; there may be several.
fn best<T: Copy>(names: &[(Vec<String>, T)], tokens: &[Token<'_>]) -> Option<(Vec<T>, usize)> {
    let matching: Vec<(usize, u8, T)> = names
        .iter()
        .filter_map(|(name, target)| fit(name, tokens).map(|(len, fit)| (len, fit, *target)))
        .collect();
    let (length, quality) = matching.iter().map(|&(length, fit, _)| (length, fit)).max()?;
    let is_best = |it: &&(usize, u8, T)| (it.0, it.1) == (length, quality);
    Some((matching.iter().filter(is_best).map(|it| it.2).collect(), length))
}

/// How many tokens the name takes and how well it fits; more is better.
fn fit(name: &[String], tokens: &[Token<'_>]) -> Option<(usize, u8)> {
    let without_unit = match name {
        [rest @ .., unit] if !rest.is_empty() && UNITS.contains(&unit.as_str()) => Some(rest),
        _ => None,
    };
    let whole = matched(name, tokens);
    whole.or_else(|| without_unit.and_then(|it| matched(it, tokens)).map(|(len, _)| (len, 0)))
}

fn matched(name: &[String], tokens: &[Token<'_>]) -> Option<(usize, u8)> {
    let mut words: Vec<&str> = Vec::new();
    let mut used = 0;
    while words.len() < name.len() {
        let token = tokens.get(used)?;
        if !matches!(token.shape, Shape::Word | Shape::Quoted) || token.words.is_empty() {
            return None;
        }
        words.extend(token.words.iter().map(String::as_str));
        used += 1;
    }
    let (last, start) = name.split_last()?;
    let (last_word, start_words) = words.split_last()?;
    if start_words != start {
        return None;
    }
    if last == last_word {
        Some((used, 2))
    } else {
        is_plural_of_the_other(last, last_word).then_some((used, 1))
    }
}

fn is_plural_of_the_other(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let stem = |ending: &str| short.strip_suffix(ending);
    short.len() >= 3
        && (long.strip_suffix('s') == Some(short)
            || long.strip_suffix("es") == Some(short)
            || stem("y").is_some_and(|it| long.strip_suffix("ies") == Some(it))
            || stem("ao").is_some_and(|it| long.strip_suffix("oes") == Some(it))
            || stem("l").is_some_and(|it| long.strip_suffix("is") == Some(it))
            || stem("m").is_some_and(|it| long.strip_suffix("ns") == Some(it)))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{tests::demo, words},
        *,
    };

    #[track_caller]
    fn check_column(text: &str, expected: &[&str]) {
        let schema = demo();
        let found = Names::of(&schema).column(&words::tokens(text));
        let columns = found.map(|(it, _)| it.columns).unwrap_or_default();
        let name = |it: &ColumnId| schema.tables[it.table].columns[it.column].name.as_str();
        assert_eq!(columns.iter().map(name).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_column_may_be_written_in_the_ways_of_people() {
        check_column("body_mass_g", &["body_mass_g"]);
        check_column("Body Mass G", &["body_mass_g"]);
        check_column("body mass of", &["body_mass_g"]);
        check_column("islands", &["island"]);
        check_column("countries", &["country"]);
        check_column("\"species\"", &["species"]);
    }

    #[test]
    fn a_part_of_a_name_is_not_the_name() {
        check_column("body", &[]);
        check_column("mass", &[]);
        check_column("temp", &[]);
        check_column("temp_max-temp_min", &[]);
        check_column("temp_max/2", &[]);
        check_column("stat", &[]);
    }

    #[track_caller]
    fn check_table(text: &str, expected: &[usize]) {
        let found = Names::of(&demo()).tables(&words::tokens(text));
        assert_eq!(found.map(|(it, _)| it).unwrap_or_default(), expected);
    }

    #[test]
    fn a_table_may_be_singular_spaced_or_qualified() {
        check_table("Penguin", &[0]);
        check_table("airports", &[1]);
        check_table("seattle weather", &[2]);
        check_table("ds_1.penguins", &[0]);
        check_table("seattle", &[]);
        check_table("pinguins", &[]);
    }
}
