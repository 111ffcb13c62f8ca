use super::{Conversation, OtherDatabase};

/// Types, values and how Postgres prints them.
const VALUES: [(&str, &str, &str); 24] = [
    ("smallint", "-32768", "-32768"),
    ("bigint", "9223372036854775807", "9223372036854775807"),
    ("numeric(10,2)", "1234.5", "1234.50"),
    ("numeric", "0.1000000000000000000000000001", "0.1000000000000000000000000001"),
    ("numeric", "'NaN'", "NaN"),
    ("double precision", "0.1::float8 + 0.2::float8", "0.30000000000000004"),
    ("double precision", "'-Infinity'", "-Infinity"),
    ("real", "1e20", "1e+20"),
    ("boolean", "true", "true"),
    ("text", "'é 😀'", "é 😀"),
    ("text", "''", ""),
    ("char(3)", "'ab'", "ab "),
    ("date", "'2024-02-29'", "2024-02-29"),
    ("date", "'infinity'", "infinity"),
    ("time", "'12:30:00.5'", "12:30:00.5"),
    ("timestamp", "'2024-02-29 12:30'", "2024-02-29 12:30:00"),
    ("interval", "'1 year 2 days 03:00'", "1 year 2 days 03:00:00"),
    ("int[]", "'{1,NULL,3}'", "{1,NULL,3}"),
    ("text[]", r#"ARRAY['a b', NULL, 'c"d', '']"#, r#"{"a b",NULL,"c\"d",""}"#),
    ("jsonb", r#"'{"b": [1, null], "a": "x"}'"#, r#"{"a": "x", "b": [1, null]}"#),
    ("json", r#"'{"b":1, "a":2}'"#, r#"{"b":1, "a":2}"#),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("bytea", r"'\x00ff'", r"\x00ff"),
    ("int4range", "'[1,5]'", "[1,6)"),
];

#[tokio::test]
async fn values_of_every_type_are_given_as_postgres_prints_them() {
    let database = OtherDatabase::create("").await;
    let columns: Vec<String> = VALUES
        .iter()
        .enumerate()
        .map(|(at, (type_name, value, _))| format!("CAST({value} AS {type_name}) AS c{at}"))
        .collect();
    let create = format!(
        "CREATE TABLE samples AS SELECT {}; GRANT SELECT ON samples TO {}",
        columns.join(", "),
        database.name
    );
    database.admin.batch_execute(&create).await.unwrap();
    let chat = Conversation::on_database(&database).await;

    let (_, answer) = chat.ask("SELECT * FROM samples").await;

    let row = answer.content.lines().last().expect("a table has lines");
    let cells: Vec<&str> =
        row.trim_matches('|').split('|').map(|it| &it[1..it.len() - 1]).collect();
    for ((type_name, value, expected), cell) in VALUES.into_iter().zip(&cells) {
        assert_eq!(cell.replace(r"\\", r"\"), expected, "{type_name} {value}");
    }
    assert_eq!(cells.len(), VALUES.len());
}

#[tokio::test]
async fn null_is_told_from_an_empty_text() {
    let database = OtherDatabase::create("").await;
    let create = format!(
        "CREATE TABLE samples (id int, note text);
         INSERT INTO samples VALUES (1, NULL), (2, ''), (NULL, 'NULL?');
         GRANT SELECT ON samples TO {}",
        database.name
    );
    database.admin.batch_execute(&create).await.unwrap();
    let chat = Conversation::on_database(&database).await;

    let (_, answer) = chat.ask("SELECT id, note FROM samples ORDER BY id").await;

    let expected = "| id | note |\n| --- | --- |\n| 1 | NULL |\n| 2 |  |\n| NULL | NULL? |";
    assert_eq!(answer.content, expected);
}

#[tokio::test]
async fn a_value_can_neither_end_its_cell_nor_its_row() {
    let database = OtherDatabase::create("").await;
    let create = format!(
        "CREATE TABLE samples (id int, note text);
         INSERT INTO samples VALUES (1, E'a | b\\n| c | d |'), (2, 'x\\|');
         GRANT SELECT ON samples TO {}",
        database.name
    );
    database.admin.batch_execute(&create).await.unwrap();
    let chat = Conversation::on_database(&database).await;

    let (_, answer) = chat.ask("SELECT id, note FROM samples ORDER BY id").await;

    let expected =
        "| id | note |\n| --- | --- |\n| 1 | a \\| b \\| c \\| d \\| |\n| 2 | x\\\\\\| |";
    assert_eq!(answer.content, expected);
}
