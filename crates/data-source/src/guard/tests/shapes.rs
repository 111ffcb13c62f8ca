//! What a statement may consist of.

use super::*;

#[test]
fn only_a_query_is_accepted() {
    refuses("", NOT_A_QUERY, "empty");
    refuses("-- nothing", NOT_A_QUERY, "empty");
    refuses("SELECT 1; SELECT 2", NOT_A_QUERY, "several");
    refuses("SELECT 1; DELETE FROM items", NOT_A_QUERY, "several");
    refuses("/* a */ DELETE FROM items", NOT_A_QUERY, "DELETE");
    refuses("INSERT INTO items SELECT * FROM items", NOT_A_QUERY, "INSERT");
    refuses("EXPLAIN SELECT 1", NOT_A_QUERY, "EXPLAIN");
    refuses("(SELECT 1) UNION TABLE items", NOT_A_QUERY, "SELECT * FROM");
    prints("SELECT 1;", "SELECT 1");
}

#[test]
fn a_statement_that_writes_is_refused_inside_a_query_too() {
    refuses("WITH a AS (DELETE FROM items RETURNING *) SELECT * FROM a", NOT_A_QUERY, "DELETE");
    refuses("WITH a AS (UPDATE items SET e = 1 RETURNING *) SELECT 1", NOT_A_QUERY, "UPDATE");
    refuses("WITH a AS (INSERT INTO items VALUES (1) RETURNING *) SELECT 1", NOT_A_QUERY, "INSERT");
    refuses("WITH a AS (SELECT 1) DELETE FROM items", NOT_A_QUERY, "DELETE");
    refuses("WITH a AS (SELECT 1) INSERT INTO items SELECT * FROM a", NOT_A_QUERY, "INSERT");
    refuses("WITH a AS (WITH b AS (DELETE FROM items) SELECT 1) SELECT 1", NOT_A_QUERY, "DELETE");
    refuses("SELECT (WITH b AS (DELETE FROM items RETURNING 1) SELECT 1)", NOT_A_QUERY, "DELETE");
    refuses("SELECT * INTO t FROM items", CONSTRUCT, "SELECT INTO");
    refuses("SELECT * INTO TEMP t FROM items", CONSTRUCT, "SELECT INTO");
    refuses("WITH a AS (SELECT * INTO t FROM items) SELECT 1", CONSTRUCT, "SELECT INTO");
}

#[test]
fn rows_are_not_locked() {
    for lock in ["FOR UPDATE", "FOR SHARE", "FOR UPDATE OF items NOWAIT", "FOR UPDATE SKIP LOCKED"]
    {
        refuses(&format!("SELECT * FROM items {lock}"), CONSTRUCT, "lock");
        refuses(&format!("SELECT * FROM (SELECT * FROM items {lock}) a"), CONSTRUCT, "lock");
    }
}

#[test]
fn placeholders_are_refused() {
    refuses("SELECT $1", CONSTRUCT, "$1");
    refuses("SELECT * FROM items WHERE id = $1", CONSTRUCT, "$1");
    refuses("SELECT :name", CONSTRUCT, ":name");
    refuses("SELECT * FROM items LIMIT $1", CONSTRUCT, "$1");
}

#[test]
fn what_other_databases_write_is_refused_with_a_hint() {
    refuses("SELECT * FROM items LIMIT 5, 10", "SQL_NOT_PARSED", "found: ,");
    refuses("SELECT 1 AS 'a'", CONSTRUCT, "double quotes");
    refuses("SELECT /*+ SeqScan(items) */ 1", CONSTRUCT, "hint");
    refuses("SELECT TRY_CAST('1' AS int)", CONSTRUCT, "CAST");
    refuses("SELECT N'a'", CONSTRUCT, "N'a'");
    refuses("SELECT X'1F'", CONSTRUCT, "X'1F'");
    refuses("SELECT IFNULL(e, 1) FROM items", FUNCTION, "IFNULL");
    refuses("SELECT (ROW(1)).f1", CONSTRUCT, "field");
    refuses("SELECT a.* FROM items", CONSTRUCT, "a.*");
}

#[test]
fn a_keyword_is_no_name_unless_it_is_quoted() {
    refuses("SELECT INTO t FROM items", CONSTRUCT, "INTO");
    refuses("WITH only AS (SELECT 1) SELECT * FROM only items", TABLE, "only");
    prints(r#"SELECT "into" FROM items"#, r#"SELECT "into" FROM public.items"#);
}

#[test]
fn an_operator_of_another_schema_is_refused() {
    accepts("SELECT 1 OPERATOR(pg_catalog.+) 2");
    refuses("SELECT 1 OPERATOR(sales.+) 2", CONSTRUCT, "sales.+");
    // Postgres ends these operators where a comment begins.
    for symbol in ["%--", "#--", "%/*"] {
        let operator = format!("pg_catalog.{symbol}");
        refuses(&format!("SELECT 1 OPERATOR({operator}) '\n) 2'"), CONSTRUCT, &operator);
    }
    refuses(r"SELECT U&'\0000'", CONSTRUCT, "NUL");
    refuses("SELECT 1 OPERATOR(+) 2", CONSTRUCT, "OPERATOR(+)");
    refuses("SELECT 1 ORDER BY 1 USING OPERATOR(sales.<)", CONSTRUCT, "USING");
    refuses("SELECT 1 <&> 2", CONSTRUCT, "<&>");
    refuses("SELECT 1 #-->> 2", CONSTRUCT, "#-->>");
    refuses("SELECT 1 ->/* 2", CONSTRUCT, "->/*");
    refuses(r#"SELECT 'a' COLLATE sales."x""#, CONSTRUCT, "collation");
}

#[test]
fn what_the_parser_spells_in_another_way_is_understood() {
    prints("SELECT id ISNULL FROM items", "SELECT id IS NULL FROM public.items");
    prints("SELECT trim(LEADING FROM 'a')", "SELECT TRIM(LEADING 'a')");
    prints("SELECT 'a' NOT LIKE ALL (ARRAY['b'])", "SELECT 'a' NOT LIKE ALL(ARRAY['b'])");
    refuses("SELECT 'a' LIKE ALL (ARRAY[pg_sleep(1)])", FUNCTION, "pg_sleep");
    refuses("SELECT 'a' LIKE ALL (ARRAY(SELECT k FROM secret.keys))", TABLE, "secret.keys");
    refuses("SELECT 'a' LIKE ALL ('b') FILTER (WHERE pg_sleep(1))", FUNCTION, "pg_sleep");
    refuses(r#"SELECT 'a' LIKE "all"('b')"#, FUNCTION, "all");
}

#[test]
fn bits_are_a_literal_and_nothing_else_with_a_b() {
    prints("SELECT b'0110', B''", "SELECT B'0110', B''");
    refuses("SELECT B'012'", CONSTRUCT, "B'012'");
    refuses("SELECT B'0''1'", CONSTRUCT, "literal");
}

#[test]
fn a_series_in_from_is_walked_like_any_select() {
    prints(
        "SELECT * FROM items i, generate_series(1, i.id)",
        "SELECT * FROM public.items AS i, LATERAL (SELECT generate_series(1, i.id)) \
         AS generate_series (generate_series)",
    );
    refuses("SELECT * FROM shop.generate_series(1, 2)", FUNCTION, "shop.generate_series");
    refuses("SELECT * FROM generate_series(1, i.id), items i", CONSTRUCT, "i.id");
    refuses("SELECT g.n FROM generate_series(1, 2) AS g", CONSTRUCT, "g has no column n");
}

#[test]
fn text_in_a_literal_stays_in_it() {
    prints("SELECT 'a; DROP TABLE items; --'", "SELECT 'a; DROP TABLE items; --'");
    prints(r"SELECT 'x\'', pg_sleep(30) --'", r"SELECT 'x\'', pg_sleep(30) --'");
    prints(r"SELECT E'x\\\', pg_sleep(30) --'", r"SELECT 'x\'', pg_sleep(30) --'");
    prints(r"SELECT $$x\', pg_sleep(30) --$$", r"SELECT 'x\'', pg_sleep(30) --'");
    prints(r#"SELECT 1 AS "a\"", pg_sleep(30) --""#, r#"SELECT 1 AS "a\"", pg_sleep(30) --""#);
}

#[test]
fn a_refusal_of_the_parser_has_its_message() {
    refuses("SELECT 1 FROM a b c", "SQL_NOT_PARSED", "sql parser error");
    refuses("SELEC 1", "SQL_NOT_PARSED", "SELEC");
    refuses(&format!("SELECT (1 '{}')", "é".repeat(7000)), "SQL_NOT_PARSED", "ééé…");
}
