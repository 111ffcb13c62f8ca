use std::time::{Duration, Instant};

use data_source::{Error, Schema, dataset::Import, schema::Kind};

use super::{
    LIMITS, PASSWORD, count, data_set, file, import, import_of, numbers, pools, run, store, texts,
};

#[tokio::test]
async fn an_imported_file_becomes_a_table_with_fitting_types() {
    let (store, _) = store().await;
    let csv = "Id,Unit price,Paid,Day,At,Seen at,Note,Nothing\n\
               1,9.50,true,2024/02/29,2024-02-29 12:30,2024-02-29T12:30:00Z,\"a, b\",NA\n\
               2,NA,FALSE,2023-01-01,2023-01-01T00:00:01.5,2024-02-29T12:30:00+02:00,,\n";
    let (source, schema) = data_set(&store, csv).await;
    let sql =
        "SELECT id, unit_price, paid, day, at, seen_at = '2024-02-29T10:30:00Z' AS seen, note,
                      nothing
                 FROM t ORDER BY id";

    let rows = run(&source, &schema, sql, LIMITS).await.unwrap();

    let types: Vec<_> = schema.tables[0]
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.type_name.as_str(), column.kind))
        .collect();
    assert_eq!(
        types,
        [
            ("id", "bigint", Kind::Number),
            ("unit_price", "numeric", Kind::Number),
            ("paid", "boolean", Kind::Boolean),
            ("day", "date", Kind::Time),
            ("at", "timestamp without time zone", Kind::Time),
            ("seen_at", "timestamp with time zone", Kind::Time),
            ("note", "text", Kind::Text),
            ("nothing", "text", Kind::Text),
        ]
    );
    let expected = [
        [
            Some("1"),
            Some("9.50"),
            Some("true"),
            Some("2024-02-29"),
            Some("2024-02-29 12:30:00"),
            Some("false"),
            Some("a, b"),
            None,
        ],
        [
            Some("2"),
            None,
            Some("false"),
            Some("2023-01-01"),
            Some("2023-01-01 00:00:01.5"),
            Some("true"),
            None,
            None,
        ],
    ];
    assert_eq!(texts(&rows), expected);
    let names: Vec<_> = rows.columns.iter().map(|it| it.type_name.as_str()).collect();
    assert_eq!(names, ["int8", "numeric", "bool", "date", "timestamp", "bool", "text", "text"]);
    assert_eq!(rows.truncated_by, None);
}

#[tokio::test]
async fn what_import_returns_is_what_introspection_finds() {
    let (store, _) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();

    let imported = import(&store, "orders", "id,At,ok\n1,2024-01-01 10:00,true\n").await.unwrap();
    let source = store.source(1, PASSWORD);
    let schema = pools().introspect(&source).await.unwrap();

    assert_eq!(imported.row_count, 1);
    assert_eq!(schema, Schema { tables: vec![imported.table], ..Schema::default() });
}

#[tokio::test]
async fn text_comes_back_as_it_went_in() {
    let (store, _) = store().await;
    let values = [
        "tab\there",
        "back\\slash",
        "\\N",
        "\\.",
        "line\nbreak\r\n",
        "\n\\.\n",
        "\"q\"",
        "é😀",
        "  ",
    ];
    let quoted = values.map(|value| format!("\"{}\"\n", value.replace('"', "\"\"")));
    let (source, schema) = data_set(&store, &format!("v\n{}", quoted.concat())).await;

    let rows = run(&source, &schema, "SELECT v FROM t", LIMITS).await.unwrap();

    assert_eq!(texts(&rows), values.map(|value| vec![Some(value)]));
}

#[tokio::test]
async fn postgres_accepts_whatever_the_inference_takes_for_a_type() {
    let (store, _) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let long = "9".repeat(1_000);
    let cases: [(&str, &[&str]); 6] = [
        ("boolean", &["true", "FALSE", "tRuE"]),
        ("bigint", &["-0", "9223372036854775807", "-9223372036854775808"]),
        ("numeric", &["1e1000", "-1e-1000", "-.5", ".5E+3", "0.0", "9223372036854775808", &long]),
        ("date", &["0001-01-01", "9999/12/31", "2024-02-29"]),
        (
            "timestamp without time zone",
            &["0001-01-01 00:00", "9999/12/31T23:59:59.999999000", "2024-02-29 23:59:59.9"],
        ),
        (
            "timestamp with time zone",
            &[
                "0001-01-01T00:00+15:59",
                "9999-12-31 23:59:59.999999-15",
                "2024/02/29 10:00-1130",
                "2024-02-29T10:00Z",
                "2024-02-29 10:00:00.5+01",
            ],
        ),
    ];

    for (index, (expected, values)) in cases.into_iter().enumerate() {
        let csv = format!("v\n{}\n", values.join("\n"));
        let imported = import(&store, &format!("t{index}"), &csv).await.unwrap();
        assert_eq!(imported.table.columns[0].type_name, expected);
        assert_eq!(imported.row_count, values.len() as u64);
    }
}

#[tokio::test]
async fn a_file_with_a_header_alone_becomes_an_empty_table() {
    let (store, _) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();

    let imported = import(&store, "empty", "a,b\n").await.unwrap();

    assert_eq!(imported.row_count, 0);
    assert!(imported.table.columns.iter().all(|column| column.kind == Kind::Text));
}

#[tokio::test]
async fn a_faulty_file_is_refused_with_its_line_and_leaves_nothing_behind() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let cases: [(&[u8], u64, &str); 6] = [
        (b"", 1, "the file is empty"),
        (b"a,b\n1,2\n\"x\ny\",2\n1,2,3\n", 5, "has 3 fields instead of 2"),
        (b"a\n\"open\nfor ever\n", 2, "a quoted field is not closed"),
        (b"a\nb\n\xe9\n", 3, "is not UTF-8"),
        (b"a\nb\0\n", 2, "holds a NUL byte"),
        (b"a,A\n", 1, "two columns are named `a`"),
    ];
    let wide: String = (0..600).map(|n| format!("c{n},")).collect::<String>() + "last\n";
    let row: String = format!("{},", "x".repeat(40)).repeat(600) + "y\n";

    for (csv, expected_line, expected) in cases {
        let import = Import { file: file(csv), ..import_of("t", "") };
        match store.import(1, import).await {
            Err(Error::Csv { line, problem }) => {
                assert_eq!((line, problem.as_str()), (expected_line, expected));
            }
            other => panic!("{other:?}"),
        }
    }
    let refused = import(&store, "t", &(wide + &row)).await;
    assert!(matches!(refused, Err(Error::RowTooLarge)), "{refused:?}");

    assert_eq!(count(&admin, "pg_tables WHERE schemaname = 'ds_1'").await, 0);
}

#[tokio::test]
async fn a_table_is_replaced_only_if_that_was_asked_for() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;

    let refused = import(&store, "t", "other\nx\n").await;
    let kept = run(&source, &schema, "SELECT n FROM t", LIMITS).await.unwrap();
    let replacing = Import { replace: true, ..import_of("t", "other\nx\n") };
    store.import(1, replacing).await.unwrap();
    let schema = pools().introspect(&source).await.unwrap();
    let replaced = run(&source, &schema, "SELECT other FROM t", LIMITS).await.unwrap();

    assert!(matches!(refused, Err(Error::TableExists)), "{refused:?}");
    assert_eq!(texts(&kept), [[Some("1")]]);
    assert_eq!(texts(&replaced), [[Some("x")]]);
}

#[tokio::test]
async fn of_two_imports_of_one_table_at_once_one_succeeds() {
    let (store, _) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let csv = numbers(20_000);

    let (first, second) = tokio::join!(import(&store, "t", &csv), import(&store, "t", &csv));

    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
    let refused = first.err().or(second.err());
    assert!(matches!(refused, Some(Error::TableExists)), "{refused:?}");
}

#[tokio::test]
async fn a_hundred_thousand_rows_take_seconds() {
    let (store, _) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let line = |n: u32| {
        format!("{n},{}.{:02},2024-01-{:02},customer number {n},true\n", n / 7, n % 100, n % 28 + 1)
    };
    let csv: String =
        "id,amount,day,who,paid\n".to_owned() + &(0..100_000).map(line).collect::<String>();

    let started = Instant::now();
    let imported = import(&store, "t", &csv).await.unwrap();

    assert_eq!(imported.row_count, 100_000);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
