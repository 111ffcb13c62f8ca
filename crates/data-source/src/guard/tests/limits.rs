//! Statements that are made to exhaust the parser. Each runs on a stack of 2 MiB,
//! as on one of the runtime's threads.

use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::guard::limits::{MAX_BYTES, MAX_TOKENS};

const DEPTH: &str = include_str!("../../../testdata/sql/parser-depth.tsv");

fn on_a_small_stack(sql: String) -> Result<super::super::Query, Refusal> {
    let start = Instant::now();
    let checked = thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn({
            let sql = sql.clone();
            move || check(&sql, &shop(&[]))
        })
        .unwrap()
        .join()
        .unwrap();
    let took = start.elapsed();
    let beginning: String = sql.chars().take(60).collect();
    assert!(took < Duration::from_secs(20), "{beginning} took {took:?}");
    checked
}

#[test]
fn deep_nesting_is_refused_and_overflows_no_stack() {
    for (name, sql) in lines(DEPTH) {
        let refusal = on_a_small_stack(sql.to_owned()).unwrap_err();
        assert_eq!(refusal.reason(), "SQL_TOO_LARGE", "{name}");
    }
}

/// A beginning, a piece that is repeated up to the limits, and an end.
const CHAINS: &[(&str, &str, &str)] = &[
    ("SELECT 1", " OR 1", ""),
    ("SELECT 1", "+1", ""),
    ("SELECT ", "NOT ", "true"),
    ("SELECT ", "- ", "1"),
    ("SELECT ", "@ ", "1"),
    ("SELECT 1", "::int", ""),
    ("SELECT 1", "::int[]", ""),
    ("SELECT 'a'", " COLLATE \"C\"", ""),
    ("SELECT now()", " AT TIME ZONE 'UTC'", ""),
    ("SELECT 1", " IS NULL", ""),
    ("SELECT 1", " NOTNULL", ""),
    ("SELECT 1", " ISNULL", ""),
    ("SELECT 1", " !", ""),
    ("SELECT id", "[1]", " FROM items"),
    ("SELECT a", ".a", ""),
    ("SELECT ", "a.", "b"),
    ("SELECT ", "CASE WHEN true THEN ", "1"),
    ("SELECT ", "not-b.", "c"),
    ("SELECT ", "case-", "c"),
    ("SELECT ", "INTERVAL ", "'1'"),
    ("SELECT ", "ARRAY[", "1"),
    ("SELECT ", "(", "1"),
    ("SELECT ", "lower(", "1"),
    ("SELECT ", "(SELECT ", "1"),
    ("SELECT * FROM ", "(", "items"),
    ("SELECT * FROM ", "(SELECT * FROM ", "items"),
    ("SELECT * FROM items", " NATURAL JOIN items", ""),
    ("SELECT * FROM items", " JOIN items", ""),
    ("SELECT * FROM items", " CROSS JOIN items", ""),
    ("SELECT * FROM items", ", items", ""),
    ("SELECT * FROM ", "items JOIN ", "items"),
    ("SELECT * FROM items i", ", LATERAL (SELECT 1) i", ""),
    ("SELECT 1", " UNION SELECT 1", ""),
    ("SELECT 1", " UNION (SELECT 1", ""),
    ("", "(", "SELECT 1"),
    ("", "WITH RECURSIVE a AS (", "SELECT 1"),
    ("WITH a AS (SELECT 1)", ", a AS (SELECT * FROM a)", " SELECT 1"),
    ("SELECT 1 IN (1", ",1", ")"),
    ("SELECT 1 WHERE 1 IN ", "(1,", "1"),
    ("SELECT 1 ORDER BY 1", ", 1", ""),
    ("SELECT sum(1)", " OVER (ORDER BY sum(1)", ""),
    ("SELECT 'a'", " LIKE 'a'", ""),
    ("SELECT 1", " BETWEEN 1 AND 1", ""),
    ("SELECT 1", " = ANY (ARRAY[1", ""),
    ("SELECT ''", "''''", ""),
    ("SELECT 1 ", "/* ", ""),
    ("SELECT 1 ", "; ", ""),
    ("SELECT a::", "a.", "b"),
    ("SELECT ", "$", "1"),
    ("", "EXPLAIN ", "SELECT 1"),
    ("", "{", "}"),
];

#[test]
fn a_chain_as_long_as_the_limits_allow_overflows_no_stack_and_takes_no_time() {
    for (start, piece, end) in CHAINS {
        let words = piece.split_whitespace().count().max(1);
        for times in [12, 36, MAX_TOKENS / 4 / words, MAX_TOKENS / words] {
            let sql = format!("{start}{}{end}", piece.repeat(times.min(MAX_BYTES / piece.len())));
            let _ = on_a_small_stack(sql);
        }
    }
}

#[test]
fn ctes_that_double_their_columns_each_time_are_refused() {
    let doubled = |n| format!(", c{} AS (SELECT * FROM c{n} a, c{n} b)", n + 1);
    let ctes: String = (0..200).map(doubled).collect();
    let refusal =
        on_a_small_stack(format!("WITH c0 AS (SELECT 1){ctes} SELECT * FROM c1")).unwrap_err();
    assert_eq!(refusal.reason(), "SQL_TOO_LARGE");

    let joined =
        "((".repeat(15) + "c c1 JOIN c c2 ON true" + &") c JOIN c c3 ON true) c".repeat(15);
    let _ = on_a_small_stack(format!("WITH c AS (SELECT 1) SELECT 1 FROM {joined}"));
}

#[test]
fn a_long_chain_of_conditions_is_accepted() {
    let conditions = " OR id = 1".repeat(900);
    accepts(&format!("SELECT count(*) FROM orders WHERE id = 1{conditions}"));
    accepts(&format!("SELECT count(*) FROM orders WHERE id IN (1{})", ", 1".repeat(1900)));
}

#[test]
fn nesting_as_people_write_it_is_accepted() {
    let nested = |open: &str, n: usize| format!("{}1{}", open.repeat(n), ")".repeat(n));
    accepts(&format!("SELECT {}", nested("coalesce(", 12)));
    accepts(&format!("SELECT {}", nested("(", 20)));
    accepts(&format!("SELECT * FROM {}", nested("(SELECT * FROM ", 8).replace('1', "items")));
}
