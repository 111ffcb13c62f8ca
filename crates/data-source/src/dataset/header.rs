//! Column names from a CSV's first line, such that nobody has to quote them.

use std::collections::HashSet;

use super::{MAX_NAME_LEN, csv::Record};
use crate::Error;

/// Far below Postgres' own limit of 1,600, which a row of wide values can't reach.
const MAX_COLUMNS: usize = 1_000;
/// Every table has these already.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Makes a table's column names out of the header's fields.
pub(super) fn names(header: &Record) -> Result<Vec<String>, Error> {
    if header.len() > MAX_COLUMNS {
        return Err(Error::TooManyColumns { max: MAX_COLUMNS });
    }
    let refuse = |problem: String| Err(Error::Csv { line: header.line, problem });
    let mut seen = HashSet::new();
    let mut names = Vec::with_capacity(header.len());
    for (index, field) in header.fields().enumerate() {
        let name = plain(field);
        if name.is_empty() {
            return refuse(format!("column {} has no name", index + 1));
        }
        if name.len() > MAX_NAME_LEN {
            return refuse(format!("the name of column {} is longer than 63 bytes", index + 1));
        }
        if SYSTEM_COLUMNS.contains(&name.as_str()) {
            return refuse(format!("`{name}` is a name that Postgres keeps for itself"));
        }
        if !seen.insert(name.clone()) {
            return refuse(format!("two columns are named `{name}`"));
        }
        names.push(name);
    }
    Ok(names)
}

fn plain(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    for letter in field.trim().to_lowercase().chars() {
        let is_plain = letter.is_alphabetic() || letter.is_ascii_digit() || letter == '_';
        if name.is_empty() && letter.is_ascii_digit() {
            name.push('_');
        }
        // One underscore stands for a whole run.
        if is_plain || !name.ends_with('_') {
            name.push(if is_plain { letter } else { '_' });
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{super::csv::Reader, *};

    fn names_of(line: &str) -> Result<Vec<String>, Error> {
        let mut header = Record::default();
        Reader::new(line.as_bytes(), b',')?.read(&mut header)?;
        names(&header)
    }

    #[track_caller]
    fn check(field: &str, expected: &str) {
        assert_eq!(names_of(field).unwrap(), [expected], "{field:?}");
    }

    #[track_caller]
    fn check_refused(line: &str, expected: &str) {
        assert_eq!(names_of(line).unwrap_err().to_string(), format!("line 1: {expected}"));
    }

    #[test]
    fn a_name_is_trimmed_lower_cased_and_plain() {
        check("Amount", "amount");
        check("  Unit price (EUR) ", "unit_price_eur_");
        check("Preço médio", "preço_médio");
        check("2024", "_2024");
        check("a--b__c", "a_b__c");
        check("%", "_");
    }

    #[test]
    fn names_that_can_not_be_columns_are_refused() {
        check_refused("a,,b", "column 2 has no name");
        check_refused("a,  ", "column 2 has no name");
        check_refused("Order id,order-ID", "two columns are named `order_id`");
        check_refused("xmin", "`xmin` is a name that Postgres keeps for itself");
        check_refused(&"n".repeat(64), "the name of column 1 is longer than 63 bytes");
    }

    #[test]
    fn there_is_a_most_of_columns() {
        let line = |columns: usize| (0..columns).map(|it| format!("c{it}")).collect::<Vec<_>>();
        assert_eq!(names_of(&line(1_000).join(",")).unwrap().len(), 1_000);
        let refused = names_of(&line(1_001).join(","));
        assert!(matches!(refused, Err(Error::TooManyColumns { max: 1_000 })));
    }
}
