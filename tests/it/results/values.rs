use proto::v1::{self as pb, ExportFormat, RunState, create_data_source_request::Kind};

use super::{export, get, value};
use crate::harness::{Api, Expect as _, Harness, OtherDatabase};

/// Types, values, how Postgres prints them, and how they are in JSON.
const VALUES: [(&str, &str, Option<&str>, &str); 29] = [
    ("int2", "-32768", Some("-32768"), "-32768"),
    ("int8", "9223372036854775807", Some("9223372036854775807"), "9223372036854775807"),
    ("int8", "-9223372036854775808", Some("-9223372036854775808"), "-9223372036854775808"),
    (
        "numeric",
        "0.10000000000000000000000001",
        Some("0.10000000000000000000000001"),
        "0.10000000000000000000000001",
    ),
    ("numeric", "'NaN'", Some("NaN"), r#""NaN""#),
    ("numeric", "'Infinity'", Some("Infinity"), r#""Infinity""#),
    ("float8", "0.1::float8 + 0.2::float8", Some("0.30000000000000004"), "0.30000000000000004"),
    ("float8", "1e-300", Some("1e-300"), "1e-300"),
    ("float8", "'-Infinity'", Some("-Infinity"), r#""-Infinity""#),
    ("float4", "'NaN'", Some("NaN"), r#""NaN""#),
    ("float4", "1e20", Some("1e+20"), "1e+20"),
    ("bool", "false", Some("false"), "false"),
    ("bool", "NULL", None, "null"),
    ("text", "''", Some(""), r#""""#),
    ("text", "'NULL'", Some("NULL"), r#""NULL""#),
    ("text", "'42'", Some("42"), r#""42""#),
    (
        "text",
        r#"E'a "b", \\ é 😀\r\n\tc'"#,
        Some("a \"b\", \\ é 😀\r\n\tc"),
        r#""a \"b\", \\ é 😀\r\n\tc""#,
    ),
    (
        "json",
        r#"E'{"b":1e400,\n"b": 2}'"#,
        Some("{\"b\":1e400,\n\"b\": 2}"),
        r#"{"b":1e400, "b": 2}"#,
    ),
    (
        "jsonb",
        r#"'{"a": [1, null, "\\u0001"]}'"#,
        Some(r#"{"a": [1, null, "\\u0001"]}"#),
        r#"{"a": [1, null, "\\u0001"]}"#,
    ),
    ("bytea", r"'\x00ff'", Some(r"\x00ff"), r#""\\x00ff""#),
    (
        "uuid",
        "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
        Some("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#,
    ),
    ("date", "'infinity'", Some("infinity"), r#""infinity""#),
    (
        "timestamptz",
        "'2024-02-29 12:30:00.123456+00'",
        Some("2024-02-29 12:30:00.123456+00"),
        r#""2024-02-29 12:30:00.123456+00""#,
    ),
    (
        "interval",
        "'1 year 2 days 03:00'",
        Some("1 year 2 days 03:00:00"),
        r#""1 year 2 days 03:00:00""#,
    ),
    ("int4[]", "'{1,NULL,3}'", Some("{1,NULL,3}"), r#""{1,NULL,3}""#),
    (
        "text[]",
        r#"ARRAY['a b', NULL, 'c"d', '']"#,
        Some(r#"{"a b",NULL,"c\"d",""}"#),
        r#""{\"a b\",NULL,\"c\\\"d\",\"\"}""#,
    ),
    ("mood", "'happy'", Some("happy"), r#""happy""#),
    ("int4range", "'[1,5]'", Some("[1,6)"), r#""[1,6)""#),
    ("numeric", "1e400", None, ""),
];

/// What Postgres prints for 1e400.
fn large() -> String {
    format!("1{}", "0".repeat(400))
}

/// Asks an agent on this database, and returns the run that has answered.
async fn ask(api: &Api, database: &OtherDatabase, question: &str) -> pb::Run {
    let kind = Some(Kind::Postgres(database.way()));
    let request =
        pb::CreateDataSourceRequest { name: "Shop".to_owned(), kind, ..Default::default() };
    let source = api.sources.clone().create_data_source(request).await.ok_response().data_source;
    let agent_id = api.agent_on(source.expect("it was created").id).await;
    let session = api.session(agent_id, "").await;
    let (run, _) = api.ask(session.id, question).await;
    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    run
}

#[tokio::test]
async fn values_of_every_type_arrive_as_postgres_prints_them() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let casts = VALUES.iter().enumerate();
    let casts =
        casts.map(|(at, (type_name, sql, ..))| format!("CAST({sql} AS {type_name}) AS c{at}"));
    let create = format!(
        "CREATE TYPE mood AS ENUM ('happy'); CREATE TABLE samples AS SELECT {};
         GRANT SELECT ON samples TO {}",
        casts.collect::<Vec<_>>().join(", "),
        database.name
    );
    database.admin.batch_execute(&create).await.unwrap();
    let run = ask(&api, &database, "SELECT * FROM samples").await;
    let large = large();
    let is_large = |sql: &str| sql == "1e400";

    let result = get(&api, run.id, 0, 0).await.ok_response();
    let json_lines = export(&api, run.id, ExportFormat::JsonLines).await;
    let csv = export(&api, run.id, ExportFormat::Csv).await;

    assert_eq!(result.rows.len(), 1);
    let found = result.columns.iter().zip(&result.rows[0].values);
    for ((type_name, sql, text, _), (column, found)) in VALUES.into_iter().zip(found) {
        let text = if is_large(sql) { Some(large.as_str()) } else { text };
        assert_eq!((&*column.r#type, found), (type_name, &value(text)), "{sql}");
    }
    let json = VALUES.map(|(_, sql, _, json)| if is_large(sql) { &large } else { json });
    assert_eq!(json_lines.lines().nth(1), Some(&*format!("[{}]", json.join(","))));
    let quoted = VALUES.map(|(_, sql, text, _)| match text {
        _ if is_large(sql) => large.clone(),
        None => String::new(),
        Some(text) if text.is_empty() || text.contains([',', '"', '\r', '\n']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Some(text) => text.to_owned(),
    });
    let header = (0..VALUES.len()).map(|at| format!("c{at}")).collect::<Vec<_>>().join(",");
    assert_eq!(csv, format!("{header}\r\n{}\r\n", quoted.join(",")));
}

#[tokio::test]
async fn all_rows_that_were_read_are_kept_in_their_order() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let create = format!(
        "CREATE TABLE samples AS SELECT n FROM generate_series(1, 600) AS n;
         GRANT SELECT ON samples TO {}",
        database.name
    );
    database.admin.batch_execute(&create).await.unwrap();

    let run = ask(&api, &database, "SELECT n FROM samples ORDER BY n DESC").await;
    let csv = export(&api, run.id, ExportFormat::Csv).await;

    // The agent's limit is 500.
    let expected = (101..=600).rev().map(|n| format!("{n}\r\n")).collect::<String>();
    assert_eq!(csv, format!("n\r\n{expected}"));
    assert_eq!(get(&api, run.id, 0, 0).await.ok_response().row_count, 500);
}
