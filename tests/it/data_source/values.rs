use super::{LIMITS, PASSWORD, pools, run, store};

/// Types, values, how Postgres prints them, and the type's name in a result.
const VALUES: &[(&str, &str, &str, &str)] = &[
    ("numeric", "'NaN'", "NaN", "numeric"),
    ("numeric", "'-Infinity'", "-Infinity", "numeric"),
    (
        "numeric",
        "1234567890123456789012345678901234567890.00000000000000000000000010",
        "1234567890123456789012345678901234567890.00000000000000000000000010",
        "numeric",
    ),
    ("numeric(10,2)", "1", "1.00", "numeric"),
    ("int8", "9223372036854775807", "9223372036854775807", "int8"),
    ("int8", "-9223372036854775808", "-9223372036854775808", "int8"),
    ("float8", "'NaN'", "NaN", "float8"),
    ("float8", "'Infinity'", "Infinity", "float8"),
    ("float8", "'-Infinity'", "-Infinity", "float8"),
    ("float8", "0.1::float8 + 0.2", "0.30000000000000004", "float8"),
    ("float8", "1e300", "1e+300", "float8"),
    ("float8", "'-0'", "-0", "float8"),
    ("float4", "0.1", "0.1", "float4"),
    ("timestamptz", "'infinity'", "infinity", "timestamptz"),
    ("timestamptz", "'-infinity'", "-infinity", "timestamptz"),
    (
        "timestamptz",
        "'2024-02-29 12:30:00.123456+00'",
        "2024-02-29 12:30:00.123456+00",
        "timestamptz",
    ),
    ("timestamptz", "'0044-03-15 12:00:00+00 BC'", "0044-03-15 12:00:00+00 BC", "timestamptz"),
    ("timestamp", "'294276-12-31 23:59:59'", "294276-12-31 23:59:59", "timestamp"),
    ("date", "'4713-01-01 BC'", "4713-01-01 BC", "date"),
    ("date", "'infinity'", "infinity", "date"),
    ("time", "'24:00'", "24:00:00", "time"),
    ("timetz", "'12:30:00.5+05:30'", "12:30:00.5+05:30", "timetz"),
    (
        "interval",
        "'-1 year +2 days -03:00:00.000001'",
        "-1 years +2 days -03:00:00.000001",
        "interval",
    ),
    ("int4[]", "'{{1,NULL},{3,4}}'", "{{1,NULL},{3,4}}", "int4[]"),
    ("int4[]", "'[0:1]={1,2}'", "[0:1]={1,2}", "int4[]"),
    (
        "text[]",
        r#"ARRAY['a b', NULL, 'NULL', 'c"d', '']"#,
        r#"{"a b",NULL,"NULL","c\"d",""}"#,
        "text[]",
    ),
    ("char(3)[]", "ARRAY['a', 'b  ']", r#"{"a  ","b  "}"#, "bpchar[]"),
    ("json", r#"'{"b":1,  "a":2, "b":3}'"#, r#"{"b":1,  "a":2, "b":3}"#, "json"),
    ("jsonb", r#"'{"b": 1.10, "a": null}'"#, r#"{"a": null, "b": 1.10}"#, "jsonb"),
    (
        "uuid",
        "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "uuid",
    ),
    ("bytea", r"'\x00ff'", r"\x00ff", "bytea"),
    ("ds_1.mood", "'so so'", "so so", "mood"),
    ("ds_1.mood[]", "'{sad,so so}'", r#"{sad,"so so"}"#, "mood[]"),
    ("ds_1.price", "12.5", "12.50", "numeric"),
    ("ds_1.pair", r#"ROW(1, 'a "b"')"#, r#"(1,"a ""b""")"#, "pair"),
    ("int4range", "'(1,5]'", "[2,6)", "int4range"),
    ("numrange", "'empty'", "empty", "numrange"),
    ("int4multirange", "'{[1,2),[4,9)}'", "{[1,2),[4,9)}", "int4multirange"),
    ("inet", "'10.0.0.1'", "10.0.0.1", "inet"),
    ("inet", "'10.0.0.1/8'", "10.0.0.1/8", "inet"),
    ("cidr", "'10.0.0.0/8'", "10.0.0.0/8", "cidr"),
    ("inet[]", "ARRAY['10.0.0.1'::inet]", "{10.0.0.1}", "inet[]"),
    ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03", "macaddr"),
    ("bit(3)", "B'101'", "101", "bit"),
    ("varbit", "B'0'", "0", "varbit"),
    ("char(5)", "'ab'", "ab   ", "bpchar"),
    ("char(5)", "''", "     ", "bpchar"),
    ("varchar(5)", "'ab '", "ab ", "varchar"),
    ("\"char\"", "'x'", "x", "char"),
    ("name", "'a b'", "a b", "name"),
    ("text", "''", "", "text"),
    ("text", "'NULL'", "NULL", "text"),
    ("text", "E'tab\\tline\\n\\\\ 😀'", "tab\tline\n\\ 😀", "text"),
    ("oid", "4294967295", "4294967295", "oid"),
    ("point", "'(0.1,-2)'", "(0.1,-2)", "point"),
    ("tsvector", "'b:2A a:1'", "'a':1 'b':2A", "tsvector"),
    ("money", "1234.5", "$1,234.50", "money"),
    ("boolean", "true", "true", "bool"),
];

#[tokio::test]
async fn every_value_arrives_as_postgres_prints_it() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let source = store.source(1, PASSWORD);
    let cast = |(at, it): (usize, &(&str, &str, &str, &str))| {
        format!("CAST({} AS {}) AS c{at}", it.1, it.0)
    };
    let columns: Vec<String> = VALUES.iter().enumerate().map(cast).collect();
    // A source may have been set up to print otherwise.
    admin
        .batch_execute(&format!(
            "CREATE TYPE ds_1.mood AS ENUM ('sad', 'so so');
             CREATE DOMAIN ds_1.price AS numeric(10, 2);
             CREATE TYPE ds_1.pair AS (a int, b text);
             CREATE TABLE ds_1.v AS SELECT {};
             GRANT SELECT ON ds_1.v TO \"{role}\";
             ALTER ROLE \"{role}\" SET extra_float_digits = -5;
             ALTER ROLE \"{role}\" SET IntervalStyle = 'iso_8601';
             ALTER ROLE \"{role}\" SET DateStyle = 'German';
             ALTER ROLE \"{role}\" SET bytea_output = 'escape';
             ALTER ROLE \"{role}\" SET TimeZone = 'UTC'",
            columns.join(", "),
            role = source.user
        ))
        .await
        .unwrap();
    let schema = pools().introspect(&source).await.unwrap();

    let rows = run(&source, &schema, "SELECT * FROM v", LIMITS).await.unwrap();

    assert_eq!(rows.columns.len(), VALUES.len());
    for (at, (type_name, value, expected, result_type)) in VALUES.iter().enumerate() {
        assert_eq!(rows.rows[0][at].as_deref(), Some(*expected), "{type_name} {value}");
        assert_eq!(rows.columns[at].type_name, *result_type, "{type_name}");
    }
}

#[tokio::test]
async fn null_is_null_in_every_type() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let source = store.source(1, PASSWORD);
    admin
        .batch_execute(&format!(
            "CREATE TYPE ds_1.pair AS (a int, b text);
             CREATE TABLE ds_1.v (a text, b char(5), c inet, d ds_1.pair, e ds_1.pair, f int[]);
             INSERT INTO ds_1.v VALUES (NULL, NULL, NULL, NULL, ROW(NULL, NULL), NULL);
             GRANT SELECT ON ds_1.v TO \"{}\"",
            source.user
        ))
        .await
        .unwrap();
    let schema = pools().introspect(&source).await.unwrap();

    let rows = run(&source, &schema, "SELECT * FROM v", LIMITS).await.unwrap();

    assert_eq!(super::texts(&rows), [[None, None, None, None, Some("(,)"), None]]);
}
