//! Which tables and columns a name may stand for.

use super::*;

#[test]
fn a_table_must_be_in_the_schema() {
    accepts("SELECT * FROM shop.customers");
    accepts("SELECT * FROM customers");
    refuses("SELECT * FROM secret.keys", TABLE, "secret.keys");
    refuses("SELECT * FROM keys", TABLE, "keys");
    refuses("SELECT * FROM sales.customers", TABLE, "sales.customers");
    refuses("SELECT * FROM shop.customers, secret.keys", TABLE, "secret.keys");
    refuses("SELECT * FROM shop.customers JOIN keys ON true", TABLE, "keys");
}

#[test]
fn a_name_is_folded_as_postgres_folds_it() {
    accepts("SELECT * FROM SHOP.Customers");
    accepts(r#"SELECT * FROM "shop"."customers""#);
    refuses(r#"SELECT * FROM "Customers""#, TABLE, r#""Customers""#);
    refuses(r#"SELECT * FROM "shop.customers""#, TABLE, "shop.customers");
}

#[test]
fn a_table_of_another_database_is_refused() {
    refuses("SELECT * FROM postgres.shop.customers", TABLE, "postgres.shop.customers");
}

#[test]
fn the_servers_own_tables_are_refused_even_if_the_schema_holds_them() {
    let tables = [
        ("pg_catalog", "orders"),
        ("information_schema", "tables"),
        ("public", "pg_stat_statements"),
        ("pg_toast", "x"),
    ];
    let schema = Schema {
        tables: tables.iter().map(|(schema, name)| table(schema, name, "id")).collect(),
        ..Schema::default()
    };
    for (namespace, name) in tables {
        for sql in [format!("SELECT * FROM {name}"), format!("SELECT * FROM {namespace}.{name}")] {
            let refusal = check(&sql, &schema).unwrap_err();
            assert_eq!(refusal.reason(), TABLE, "{sql}");
        }
    }
}

#[test]
fn a_table_without_a_schema_is_printed_with_its_schema() {
    prints("SELECT customers.id FROM Customers", "SELECT customers.id FROM shop.Customers");
    prints("SELECT * FROM items AS o", "SELECT * FROM public.items AS o");
    prints("SELECT 1 FROM visits, visits v", {
        "SELECT 1 FROM analytics.visits, analytics.visits AS v"
    });
}

#[test]
fn a_table_in_several_schemas_is_the_first_ones() {
    prints("SELECT orders.customer FROM orders", "SELECT orders.customer FROM sales.orders");
    refuses("SELECT orders.customer_id FROM orders", CONSTRUCT, "orders has no column");
}

#[test]
fn a_table_of_public_comes_before_those_of_other_schemas() {
    let schema = Schema {
        tables: vec![table("archive", "t", "a"), table("public", "t", "b")],
        ..Schema::default()
    };
    let query = check("SELECT t.b FROM t", &schema).unwrap();
    assert_eq!(query.as_str(), "SELECT t.b FROM public.t");
}

#[test]
fn a_system_column_is_no_column() {
    for column in ["ctid", "tableoid", "XMIN", r#""xmax""#, "o.ctid"] {
        refuses(&format!("SELECT {column} FROM orders o"), CONSTRUCT, column);
        refuses(&format!("SELECT 1 FROM orders o ORDER BY {column}"), CONSTRUCT, column);
    }
    refuses("SELECT min(id) AS xmin FROM orders GROUP BY xmin", CONSTRUCT, "system column");
    refuses(
        "SELECT (SELECT xmin FROM orders LIMIT 1) FROM (SELECT 1 AS xmin) x",
        CONSTRUCT,
        "system column",
    );
    accepts("SELECT min(id) AS xmin FROM orders ORDER BY xmin");
    accepts("SELECT xmin FROM (SELECT 1 AS xmin) x WHERE xmin > 0");
}

#[test]
fn a_cte_hides_a_table() {
    prints(
        "WITH customers AS (SELECT 1 AS n) SELECT customers.n FROM customers",
        "WITH customers AS (SELECT 1 AS n) SELECT customers.n FROM customers",
    );
    accepts("WITH keys AS (SELECT 1) SELECT * FROM keys, (SELECT * FROM keys) AS k");
    accepts("WITH keys AS (SELECT 1) SELECT (SELECT count(*) FROM keys) FROM items");
    accepts("WITH a AS (SELECT 1), b AS (SELECT * FROM a) SELECT * FROM b UNION SELECT * FROM a");
    accepts("WITH Keys AS (SELECT 1) SELECT * FROM KEYS");
    refuses("WITH keys AS (SELECT 1) SELECT * FROM secret.keys", TABLE, "secret.keys");
    refuses(r#"WITH keys AS (SELECT 1) SELECT * FROM "Keys""#, TABLE, "Keys");
}

#[test]
fn a_cte_is_not_visible_outside_its_query() {
    refuses("SELECT * FROM (WITH keys AS (SELECT 1) SELECT * FROM keys) k, keys", TABLE, "keys");
    refuses("(WITH keys AS (SELECT 1) SELECT * FROM keys) UNION SELECT * FROM keys", TABLE, "keys");
    refuses(
        "SELECT (WITH keys AS (SELECT 1) SELECT count(*) FROM keys), (SELECT count(*) FROM keys)",
        TABLE,
        "keys",
    );
    refuses(
        "WITH a AS (WITH keys AS (SELECT 1) SELECT * FROM keys) SELECT * FROM a, keys",
        TABLE,
        "keys",
    );
}

#[test]
fn a_cte_reads_itself_or_a_later_one_only_if_it_is_recursive() {
    refuses("WITH keys AS (SELECT * FROM keys) SELECT * FROM keys", TABLE, "keys");
    refuses("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a", TABLE, "b");
    accepts("WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a");
    accepts("WITH RECURSIVE t AS (SELECT 1 AS n UNION SELECT t.n + 1 FROM t) SELECT t.n FROM t");
    accepts("WITH RECURSIVE t(m) AS (SELECT 1 AS n UNION SELECT t.m + 1 FROM t) SELECT m FROM t");
    refuses(
        "WITH RECURSIVE t(m) AS (SELECT 1 AS n UNION SELECT t.n + 1 FROM t) SELECT m FROM t",
        CONSTRUCT,
        "t.n",
    );
}

#[test]
fn a_tables_own_with_does_not_make_a_table_of_the_same_name_a_cte() {
    prints(
        "WITH orders AS (SELECT * FROM orders) SELECT orders.total FROM orders",
        "WITH orders AS (SELECT * FROM sales.orders) SELECT orders.total FROM orders",
    );
}

#[test]
fn a_row_is_no_argument_of_a_function_that_looks_like_a_column() {
    refuses("SELECT o.row_to_json FROM orders o", CONSTRUCT, "o.row_to_json");
    refuses("SELECT o.bump FROM orders o", CONSTRUCT, "o has no column bump");
    refuses("SELECT sales.orders.bump FROM sales.orders", CONSTRUCT, "bump");
    refuses("SELECT (o).bump FROM orders o", CONSTRUCT, "field: (o).bump");
    refuses("SELECT (SELECT o FROM orders o).bump", CONSTRUCT, "bump");
    refuses("SELECT 1 FROM orders o ORDER BY o.bump", CONSTRUCT, "o.bump");
    refuses("SELECT o.bump[1] FROM orders o", CONSTRUCT, "o.bump");
    refuses("SELECT x.bump FROM (SELECT * FROM orders) x", CONSTRUCT, "x.bump");
    refuses("SELECT 1 FROM orders o JOIN orders p USING (o.bump)", CONSTRUCT, "USING");
}

#[test]
fn an_alias_elsewhere_does_not_make_such_a_call_a_column() {
    refuses("SELECT o.bump, 1 AS bump FROM orders o", CONSTRUCT, "o.bump");
    refuses("SELECT o.bump FROM orders o, (SELECT 1 AS bump) p", CONSTRUCT, "o.bump");
    refuses(
        "SELECT o.bump FROM orders o WHERE EXISTS (SELECT 1 FROM (SELECT 1 AS bump) o)",
        CONSTRUCT,
        "o.bump",
    );
    // Without LATERAL the inner `o` is the outermost one, the table.
    refuses(
        "SELECT (SELECT d.z FROM (SELECT 1 AS bump) o, (SELECT o.bump AS z) d) FROM orders o",
        CONSTRUCT,
        "o.bump",
    );
    accepts(
        "SELECT (SELECT d.z FROM (SELECT 1 AS bump) o, LATERAL (SELECT o.bump AS z) d) FROM orders o",
    );
    // A condition sees only what it joins.
    refuses(
        "SELECT (SELECT 1 FROM (SELECT true AS bump) o, items a JOIN items b ON o.bump) FROM orders o",
        CONSTRUCT,
        "o.bump",
    );
    // The brackets hide nothing from ORDER BY.
    refuses(
        "SELECT (SELECT * FROM ((SELECT 1 FROM orders o) ORDER BY o.bump) x) FROM (SELECT 1 AS bump) o",
        CONSTRUCT,
        "o.bump",
    );
}

#[test]
fn an_alias_hides_the_tables_name_and_its_columns_names() {
    refuses("SELECT orders.id FROM orders AS o", CONSTRUCT, "nothing in FROM is called orders");
    refuses("SELECT shop.orders.id FROM shop.orders AS orders", CONSTRUCT, "shop.orders.id");
    refuses("SELECT i.id FROM items AS i(number)", CONSTRUCT, "i.id");
    accepts("SELECT i.number, i.e FROM items AS i(number)");
    accepts("SELECT j.id, j.day FROM (items JOIN visits ON true) AS j(id, e, id2, day)");
}

#[test]
fn every_column_of_a_result_can_be_named_outside_it() {
    accepts("SELECT x.total, x.n FROM (SELECT o.total, o.id AS n FROM orders o) x");
    accepts("SELECT x.total FROM (SELECT o.* FROM orders o) x");
    accepts("SELECT x.total FROM (SELECT * FROM (SELECT * FROM orders) y) x");
    accepts(
        "SELECT x.count, x.case, x.coalesce FROM (SELECT count(*), CASE WHEN true THEN 1 END, coalesce(1)) x",
    );
    accepts(
        "SELECT x.date_trunc, x.extract FROM (SELECT date_trunc('day', now()), EXTRACT(day FROM now())) x",
    );
    accepts("SELECT x.column2 FROM (VALUES (1, 2)) x");
    accepts(
        "SELECT g.g, h.n, h.ordinality FROM generate_series(1, 2) g, unnest(ARRAY[1]) WITH ORDINALITY h(n)",
    );
    accepts("SELECT t.a FROM JSON_TABLE('[]', '$[*]' COLUMNS (a int PATH '$.a')) t");
    accepts("SELECT r.a FROM json_to_recordset('[]') AS r(a int, b text)");
    accepts("SELECT x.id FROM (SELECT id FROM orders UNION SELECT 2) x");
    accepts("SELECT x.total FROM (SELECT (total)::int FROM orders) x");
}

#[test]
fn names_are_resolved_in_every_clause() {
    for clause in [
        "WHERE {}",
        "GROUP BY {}",
        "HAVING {}",
        "ORDER BY {}",
        "LIMIT {}",
        "OFFSET {}",
        "JOIN items ON {}",
        "WINDOW w AS (PARTITION BY {})",
        "WINDOW w AS (ORDER BY {})",
        "CROSS JOIN LATERAL (SELECT {}) x",
        ", generate_series(1, {})",
        ", unnest({})",
        ", JSON_TABLE({}, '$' COLUMNS (a int PATH '$'))",
        "UNION SELECT {}",
        "UNION VALUES ({})",
        "TABLESAMPLE SYSTEM ({})",
    ] {
        let hidden = clause.replace("{}", "(SELECT count(*) FROM secret.keys)");
        refuses(&format!("SELECT 1 FROM customers {hidden}"), TABLE, "secret.keys");
    }
}
