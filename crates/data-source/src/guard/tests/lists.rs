//! The lists of statements in `testdata/sql`.

use super::*;

const ATTACKS: &str = include_str!("../../../testdata/sql/postgres-attacks.tsv");
const LEGITIMATE: &str = include_str!("../../../testdata/sql/postgres-legitimate.tsv");
const ANALYTICS: &str = include_str!("../../../testdata/sql/postgres-analytics.tsv");

/// Accepted from the list of attacks, with the reason why that does no harm.
const HARMLESS: &[(&str, &str)] = &[
    ("SELECT $tag$;DROP TABLE x;$tag$", "a literal"),
    (r"SELECT E'\'; DROP TABLE sales.orders; --'", "a literal"),
    (
        "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
        "reads nothing; the executor's timeout ends it",
    ),
    (
        "SELECT count(*) FROM generate_series(1,1000000000)",
        "reads nothing; the executor's timeout ends it",
    ),
    (
        "SELECT regexp_replace(repeat('a',40),'(a*)*b','x')",
        "reads nothing; the executor's timeout ends it",
    ),
    ("SELECT repeat('x', 500000000)", "reads nothing; the executor's cap on bytes ends it"),
];

/// Refused from the list of legitimate queries, with the reason.
const NOT_UNDERSTOOD: &[(&str, &str)] = &[
    (
        "SELECT ROW(1,2), (ROW(1,2)).*, customer || ' ' || id FROM sales.orders",
        "SQL_NOT_PARSED", // The parser does not know (row).*.
    ),
    (
        "SELECT sum(total) OVER (ORDER BY created ROWS BETWEEN 3 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM sales.orders",
        "SQL_NOT_PARSED", // Nor EXCLUDE in a window.
    ),
    (
        "SELECT x.a FROM (VALUES (1),(2)) AS x(a) WHERE x.a BETWEEN SYMMETRIC 2 AND 1",
        "SQL_NOT_PARSED", // Nor SYMMETRIC.
    ),
];

#[test]
fn every_attack_is_refused_but_the_harmless_ones() {
    let schema = shop(&[]);
    let accepted: Vec<_> =
        lines(ATTACKS).map(|(_, sql)| sql).filter(|sql| check(sql, &schema).is_ok()).collect();

    let mut expected: Vec<_> = HARMLESS.iter().map(|(sql, _)| *sql).collect();
    expected.sort_unstable_by_key(|sql| lines(ATTACKS).position(|(_, it)| it == *sql));
    assert_eq!(accepted, expected);
}

#[test]
fn every_legitimate_query_is_accepted_but_those_that_are_not_understood() {
    let schema = shop(&[]);
    let refused: Vec<_> = lines(LEGITIMATE)
        .filter_map(|(_, sql)| check(sql, &schema).err().map(|it| (sql, it.reason())))
        .collect();

    let mut expected = NOT_UNDERSTOOD.to_vec();
    expected.sort_unstable_by_key(|(sql, _)| lines(LEGITIMATE).position(|(_, it)| it == *sql));
    assert_eq!(refused, expected);
}

#[test]
fn questions_as_analysts_ask_them_are_accepted() {
    let schema = shop(&["sales"]);
    let refused: Vec<_> = lines(ANALYTICS)
        .filter_map(|(_, sql)| check(sql, &schema).err().map(|it| format!("{sql}: {it}")))
        .collect();

    assert_eq!(refused, Vec::<String>::new());
    assert!(lines(ANALYTICS).count() > 40);
}

#[test]
fn what_was_accepted_is_accepted_again_as_it_was_printed() {
    let schema = shop(&["sales"]);
    for (_, sql) in lines(ANALYTICS) {
        let printed = check(sql, &schema).unwrap();
        assert_eq!(check(printed.as_str(), &schema).as_ref(), Ok(&printed));
    }
}
