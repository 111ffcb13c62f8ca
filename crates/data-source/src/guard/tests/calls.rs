//! Functions and types, wherever they stand.

use super::*;

#[test]
fn a_function_off_the_list_is_refused_in_every_expression() {
    for expression in [
        "{}",
        "-({})",
        "({})",
        "NOT {}",
        "1 + {}",
        "{} IS NULL",
        "{} IS DISTINCT FROM 1",
        "1 IN ({})",
        "{} IN (SELECT 1)",
        "1 BETWEEN 0 AND {}",
        "'a' LIKE {}",
        "'a' ILIKE {}",
        "'a' LIKE 'a' ESCAPE {}",
        "'a' SIMILAR TO {}",
        "1 = ANY (ARRAY[{}])",
        "1 < ALL ({})",
        "CAST({} AS text)",
        "{}::text",
        "now() AT TIME ZONE {}",
        "EXTRACT(year FROM {})",
        "ceil({})",
        "floor({})",
        "position({} IN 'a')",
        "substring('a' FROM {})",
        "substring('a' FROM 1 FOR {})",
        "trim({})",
        "trim(BOTH {} FROM 'a')",
        "trim('a', {})",
        "overlay('a' PLACING {} FROM 1)",
        "overlay('a' PLACING 'b' FROM 1 FOR {})",
        "{} COLLATE \"C\"",
        "CASE {} WHEN 1 THEN 1 END",
        "CASE WHEN {} THEN 1 END",
        "CASE WHEN true THEN {} END",
        "CASE WHEN true THEN 1 ELSE {} END",
        "(1, {})",
        "ARRAY[{}]",
        "ARRAY[[{}]]",
        "(ARRAY[1])[{}]",
        "(ARRAY[1])[{}:2]",
        "(ARRAY[1])[1:{}]",
        "INTERVAL '1' DAY * {}",
        "EXISTS (SELECT {})",
        "(SELECT {})",
        "ARRAY(SELECT {})",
        "lower({})",
        "coalesce(1, {})",
        "make_interval(days => {})",
        "json_object('a': {})",
        "json_object({}: 1)",
        "count({})",
        "count(DISTINCT {})",
        "string_agg('a', ',' ORDER BY {})",
        "count(*) FILTER (WHERE {})",
        "mode() WITHIN GROUP (ORDER BY {})",
        "sum(1) OVER (PARTITION BY {})",
        "sum(1) OVER (ORDER BY {})",
        "sum(1) OVER (ORDER BY 1 ROWS {} PRECEDING)",
        "sum(1) OVER (ORDER BY 1 ROWS BETWEEN 1 PRECEDING AND {} FOLLOWING)",
        "{} IS JSON",
        "{} IS NORMALIZED",
        "1 OPERATOR(pg_catalog.+) {}",
    ] {
        let hidden = expression.replace("{}", "pg_sleep(30)");
        refuses(&format!("SELECT {hidden}"), FUNCTION, "pg_sleep");
    }
}

#[test]
fn a_function_off_the_list_is_refused_in_every_clause() {
    for query in [
        "SELECT DISTINCT ON ({}) 1",
        "SELECT 1 WHERE {}",
        "SELECT 1 GROUP BY {}",
        "SELECT 1 GROUP BY ROLLUP ({})",
        "SELECT 1 GROUP BY CUBE ({})",
        "SELECT 1 GROUP BY GROUPING SETS (({}))",
        "SELECT 1 HAVING {}",
        "SELECT 1 ORDER BY {}",
        "SELECT 1 LIMIT {}",
        "SELECT 1 OFFSET {}",
        "SELECT 1 FROM items WINDOW w AS (ORDER BY {})",
        "VALUES ({})",
        "VALUES (1), ({})",
        "WITH a AS (SELECT {}) SELECT 1",
        "WITH RECURSIVE a AS (SELECT 1 UNION SELECT {}) SELECT 1",
        "WITH RECURSIVE a AS (SELECT {} UNION SELECT 1) SELECT 1",
        "SELECT 1 UNION SELECT {}",
        "(SELECT {}) EXCEPT SELECT 1",
        "SELECT * FROM {}",
        "SELECT * FROM {} AS t(a)",
        "SELECT * FROM {} WITH ORDINALITY",
        "SELECT * FROM LATERAL {}",
        "SELECT * FROM items, LATERAL {} AS t",
        "SELECT * FROM items JOIN {} ON true",
        "SELECT * FROM items JOIN items i ON {}",
        "SELECT * FROM (SELECT {}) a",
        "SELECT * FROM (items JOIN {} ON true)",
        "SELECT * FROM generate_series(1, {})",
        "SELECT * FROM unnest({})",
        "SELECT * FROM unnest(ARRAY[{}])",
        "SELECT * FROM JSON_TABLE({}, '$' COLUMNS (a int PATH '$'))",
        "SELECT * FROM items TABLESAMPLE SYSTEM ({})",
    ] {
        refuses(&query.replace("{}", "pg_sleep(30)"), FUNCTION, "pg_sleep");
    }
}

#[test]
fn a_function_is_not_hidden_by_the_way_its_name_is_written() {
    for name in [
        "PG_SLEEP",
        r#""pg_sleep""#,
        "pg_catalog.pg_sleep",
        r#""pg_catalog"."pg_sleep""#,
        "sales.bump",
        "postgres.pg_catalog.lower",
        "sales.lower",
        r#""LOWER""#,
        "nextval",
        "set_config",
        "current_setting",
        "query_to_xml",
        "dblink",
        "lo_import",
        "pg_read_file",
        "version",
        "txid_current",
        "to_regclass",
        "has_table_privilege",
    ] {
        refuses(&format!("SELECT {name}(1)"), FUNCTION, name);
    }
}

#[test]
fn a_function_of_the_servers_own_schema_may_be_named_with_it() {
    accepts(r#"SELECT pg_catalog.lower('A'), "pg_catalog"."upper"('a'), Pg_Catalog.COUNT(*)"#);
}

#[test]
fn words_that_tell_about_the_session_are_refused_without_brackets_too() {
    for word in [
        "session_user",
        "SESSION_USER",
        "user",
        "current_role",
        "current_catalog",
        "current_schema",
        "system_user",
    ] {
        refuses(&format!("SELECT {word}"), FUNCTION, word);
        refuses(&format!("SELECT id FROM items WHERE {word} = 'x'"), FUNCTION, word);
        refuses(&format!("SELECT * FROM {word}"), TABLE, word);
    }
    refuses("SELECT * FROM current_user", TABLE, "current_user");
    accepts(r#"SELECT u.id FROM "user" AS u WHERE current_user = 'x'"#);
}

#[test]
fn a_type_that_looks_names_up_is_refused() {
    for name in ["regclass", "regproc", "regprocedure", "regrole", "regnamespace", "regtype"] {
        refuses(&format!("SELECT 'secret.keys'::{name}"), CONSTRUCT, "the type");
        refuses(&format!("SELECT CAST('a' AS {name})"), CONSTRUCT, "the type");
        refuses(&format!("SELECT '{{}}'::{name}[]"), CONSTRUCT, "the type");
        refuses(&format!("SELECT 'a'::pg_catalog.{name}"), CONSTRUCT, "the type");
        refuses(&format!("SELECT {name}('a')"), FUNCTION, name);
    }
    refuses("SELECT regclass 'secret.keys'", CONSTRUCT, "the type");
    refuses("SELECT xml '<a/>'", CONSTRUCT, "the type xml");
    refuses("SELECT * FROM json_to_record('{}') AS t(a regclass)", CONSTRUCT, "the type");
    refuses("SELECT * FROM JSON_TABLE('1', '$' COLUMNS (a regclass PATH '$'))", CONSTRUCT, "type");
    refuses("SELECT '(1)'::sales.orders", CONSTRUCT, "the type sales.orders");
    refuses("SELECT json_array(1 RETURNING regclass)", CONSTRUCT, "the type");
}

#[test]
fn what_follows_a_type_in_brackets_is_a_word_or_a_number() {
    accepts("SELECT 'a'::geometry(Point, 4326), '1'::vector(3)");
    refuses("SELECT 'a'::vector('3), pg_sleep(30) --')", CONSTRUCT, "the type");
}

#[test]
fn a_type_is_accepted_if_it_is_common_or_a_columns_own() {
    accepts("SELECT '1'::int8, '1'::bigint, '1'::double precision, 'a'::varchar(3), '{1}'::int[]");
    accepts("SELECT '1'::vector(3), 'a'::citext, '[1,2]'::int4range, '1.2.3.4'::inet, '1'::money");
    accepts("SELECT 'paid'::order_status, 'paid'::shop.order_status, '{paid}'::order_status[]");
    refuses("SELECT 'paid'::other.order_status", CONSTRUCT, "the type other.order_status");
}
