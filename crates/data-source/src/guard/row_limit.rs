//! How many rows a statement asks for.

use sqlparser::ast::{Expr, Fetch, LimitClause, Query, Value, ValueWithSpan};

/// The number behind the outermost `LIMIT` or `FETCH FIRST`. `None` if there is none,
/// if it is to be computed, or if ties may come on top of it.
pub(super) fn row_limit(query: &Query) -> Option<u64> {
    match (&query.limit_clause, &query.fetch) {
        (Some(LimitClause::LimitOffset { limit: Some(limit), .. }), None) => number(limit),
        (_, Some(Fetch { with_ties: false, percent: false, quantity })) => {
            quantity.as_ref().map_or(Some(1), number)
        }
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Value(ValueWithSpan { value: Value::Number(digits, _), .. }) => digits.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[track_caller]
    fn check(clauses: &str, expected: Option<u64>) {
        let query = parse::untrusted(&format!("SELECT x FROM t {clauses}")).unwrap();
        assert_eq!(row_limit(&query), expected, "{clauses}");
    }

    #[test]
    fn the_number_of_the_outermost_clause_is_the_limit() {
        check("LIMIT 10", Some(10));
        check("ORDER BY x LIMIT 10 OFFSET 20", Some(10));
        check("OFFSET 20 LIMIT 0", Some(0));
        check("FETCH FIRST 5 ROWS ONLY", Some(5));
        check("OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY", Some(5));
        check("FETCH FIRST ROW ONLY", Some(1));
        check("UNION ALL SELECT 1 LIMIT 3", Some(3));
    }

    #[test]
    fn what_is_no_plain_number_of_the_whole_statement_is_no_limit() {
        for clauses in [
            "",
            "OFFSET 20",
            "LIMIT ALL",
            "LIMIT NULL",
            "LIMIT 5 + 5",
            "LIMIT (SELECT 10)",
            "LIMIT 1.5",
            "LIMIT 99999999999999999999",
            "ORDER BY x FETCH FIRST 5 ROWS WITH TIES",
            "WHERE x IN (SELECT x FROM t LIMIT 10)",
            "UNION ALL (SELECT 1 LIMIT 3)",
        ] {
            check(clauses, None);
        }
    }
}
