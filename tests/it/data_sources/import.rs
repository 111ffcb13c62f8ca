use std::time::Instant;

use proto::v1::{self as pb, import_table_request::Part};
use tokio_postgres::Client;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{columns, create_postgres, get_schema, sales, superuser_in};
use crate::harness::{Api, Expect as _, Harness};

const AIRPORTS: &str = include_str!("../../../crates/dev/demo/airports.csv");
const PENGUINS: &str = include_str!("../../../crates/dev/demo/penguins.csv");
const SEATTLE_WEATHER: &str = include_str!("../../../crates/dev/demo/seattle-weather.csv");

/// A superuser's session in the database that holds the data sets.
async fn store(harness: &Harness) -> Client {
    superuser_in(&harness.sources.store.source(1, "").database).await
}

async fn text(client: &Client, sql: &str) -> Option<String> {
    client.query_one(sql, &[]).await.expect("the statement is valid").get(0)
}

fn table(data_source_id: i64) -> pb::ImportedTable {
    pb::ImportedTable { data_source_id, table_name: "t".to_owned(), ..Default::default() }
}

fn markers(markers: &[&str]) -> Option<pb::NullMarkers> {
    Some(pb::NullMarkers { markers: markers.iter().map(|&it| it.to_owned()).collect() })
}

/// Sends these messages, whatever order they are in.
async fn send(api: &Api, parts: Vec<Option<Part>>) -> Result<pb::ImportTableResponse, Status> {
    let requests = parts.into_iter().map(|part| pb::ImportTableRequest { part });
    let stream = tokio_stream::iter(requests.collect::<Vec<_>>());
    Ok(api.sources.clone().import_table(stream).await?.into_inner())
}

fn data(text: &'static str) -> Option<Part> {
    Some(Part::Data(text.as_bytes().into()))
}

#[tokio::test]
async fn the_demos_files_become_tables_with_fitting_types() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;

    let airports = api.import(id, "airports", AIRPORTS).await.unwrap();
    let penguins = api.import(id, "penguins", PENGUINS).await.unwrap();
    let weather = api.import(id, "seattle_weather", SEATTLE_WEATHER).await.unwrap();

    let counts = [airports.row_count, penguins.row_count, weather.row_count];
    assert_eq!(counts, [3_376, 344, 1_461]);
    assert_eq!(
        columns(&airports.table.unwrap()),
        [
            ("iata", "text"),
            ("name", "text"),
            ("city", "text"),
            ("state", "text"),
            ("country", "text"),
            ("latitude", "numeric"),
            ("longitude", "numeric"),
        ]
    );
    assert_eq!(
        columns(&penguins.table.unwrap()),
        [
            ("species", "text"),
            ("island", "text"),
            ("bill_length_mm", "numeric"),
            ("bill_depth_mm", "numeric"),
            ("flipper_length_mm", "bigint"),
            ("body_mass_g", "bigint"),
            ("sex", "text"),
            ("year", "bigint"),
        ]
    );
    assert_eq!(
        columns(&weather.table.unwrap()),
        [
            ("date", "date"),
            ("precipitation", "numeric"),
            ("temp_max", "numeric"),
            ("temp_min", "numeric"),
            ("wind", "numeric"),
            ("weather", "text"),
        ]
    );
}

#[tokio::test]
async fn the_demos_values_arrive_as_they_were_written() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    for (name, csv) in
        [("airports", AIRPORTS), ("penguins", PENGUINS), ("seattle_weather", SEATTLE_WEATHER)]
    {
        api.import(id, name, csv).await.unwrap();
    }

    let store = store(&harness).await;
    let check = async |sql: &str, expected: &str| {
        let found = text(&store, &sql.replace("FROM ", &format!("FROM ds_{id}."))).await;
        assert_eq!(found.as_deref(), Some(expected), "{sql}");
    };

    check("SELECT count(body_mass_g)::text FROM penguins", "342").await;
    check("SELECT round(avg(body_mass_g), 2)::text FROM penguins", "4201.75").await;
    check("SELECT count(*)::text FROM penguins WHERE sex IS NULL", "11").await;
    check("SELECT count(*)::text FROM airports WHERE name LIKE '%,%'", "7").await;
    check("SELECT name FROM airports WHERE iata = '35A'", "Union County, Troy Shelton").await;
    check("SELECT name FROM airports WHERE iata = 'DBN'", "W. H. \"Bud\" Barron").await;
    check("SELECT longitude::text FROM airports WHERE iata = '00M'", "-89.23450472").await;
    check("SELECT date::text FROM seattle_weather ORDER BY temp_max DESC LIMIT 1", "2014-08-11")
        .await;
}

#[tokio::test]
async fn empty_fields_and_na_are_null_unless_other_markers_are_given() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let store = store(&harness).await;
    let csv = "v\n\"\"\nNA\n-\nNULL\nx\n";
    let cases = [
        (None, "{NULL,NULL,-,\"NULL\",x}"),
        (markers(&[]), "{\"\",NA,-,\"NULL\",x}"),
        (markers(&["-", "NULL"]), "{\"\",NA,NULL,NULL,x}"),
    ];

    for (null_markers, expected) in cases {
        let table = pb::ImportedTable { null_markers, replace: true, ..table(id) };
        api.import_as(table, csv).await.unwrap();
        let found = text(&store, &format!("SELECT array_agg(v)::text FROM ds_{id}.t")).await;
        assert_eq!(found.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn markers_decide_what_type_a_column_gets() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let cases = [
        ("n\n1\n?\n", None, "text"),
        ("n\n1\n?\n", markers(&["?"]), "bigint"),
        ("n\n1\n\"\"\nNA\n", None, "bigint"),
        ("n\n1\n\"\"\n", markers(&[]), "text"),
    ];

    for (csv, null_markers, expected) in cases {
        let table = pb::ImportedTable { null_markers, replace: true, ..table(id) };
        let imported = api.import_as(table, csv).await.unwrap();
        assert_eq!(columns(&imported.table.unwrap()), [("n", expected)]);
    }
}

#[tokio::test]
async fn fields_end_at_the_delimiter_that_was_given() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;

    for delimiter in [";", "\t", "|"] {
        let csv = format!("a{delimiter}b\n\"1{delimiter}2\"{delimiter}3,4\n");
        let table =
            pb::ImportedTable { delimiter: delimiter.to_owned(), replace: true, ..table(id) };
        let imported = api.import_as(table, &csv).await.unwrap();
        assert_eq!(columns(&imported.table.unwrap()), [("a", "text"), ("b", "text")]);
    }
}

#[tokio::test]
async fn every_bad_field_of_an_import_is_named() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let check = async |table: pb::ImportedTable, fields: &[&str]| {
        let response = api.import_as(table, "n\n1\n").await;
        response.map(tonic::Response::new).invalid(fields);
    };

    check(pb::ImportedTable::default(), &["table.data_source_id", "table.table_name"]).await;
    for delimiter in ["\"", "\n", "\r", "\0", ",,", "é"] {
        check(
            pb::ImportedTable { delimiter: delimiter.to_owned(), ..table(id) },
            &["table.delimiter"],
        )
        .await;
    }
    for table_name in ["T", "1t", "a b", "é", "a.b", "t\"", &"t".repeat(64)] {
        check(
            pb::ImportedTable { table_name: table_name.to_owned(), ..table(id) },
            &["table.table_name"],
        )
        .await;
    }
    for request_id in ["7", "936da01f9abd4d9d80c702af85c822a8", &"0".repeat(36)] {
        check(
            pb::ImportedTable { request_id: request_id.to_owned(), ..table(id) },
            &["table.request_id"],
        )
        .await;
    }
    let null_markers = markers(&["x"; 21]);
    check(pb::ImportedTable { null_markers, ..table(id) }, &["table.null_markers.markers"]).await;
}

#[tokio::test]
async fn a_table_is_replaced_only_on_request() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    api.import(id, "t", "n\n1\n").await.unwrap();

    let refused = api.import(id, "t", "m\n2\n").await;
    let kept = get_schema(&api, id).await.ok_response();
    let replacing = pb::ImportedTable { replace: true, ..table(id) };
    let replaced = api.import_as(replacing.clone(), "m,k\n2,x\n3,y\n").await.unwrap();
    let schema = get_schema(&api, id).await.ok_response();

    refused.map(tonic::Response::new).refused(Code::AlreadyExists, "TABLE_EXISTS");
    assert_eq!(columns(&kept.tables[0]), [("n", "bigint")]);
    assert_eq!(replaced.row_count, 2);
    assert_eq!(columns(&schema.tables[0]), [("m", "bigint"), ("k", "text")]);
    assert_eq!(schema.tables.len(), 1);
}

#[tokio::test]
async fn a_malformed_line_is_named_and_nothing_is_left_behind() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    api.import(id, "t", "n\n1\n").await.unwrap();
    let before = get_schema(&api, id).await.ok_response();
    let good: String = (0..20_000).map(|n| format!("{n},x\n")).collect();
    let cases = [
        (format!("a,b\n{good}1,2,3\n"), 20_002, "data: line 20002: has 3 fields instead of 2"),
        (
            format!("a,b\n{good}1,\"open\n"),
            20_002,
            "data: line 20002: a quoted field is not closed",
        ),
        ("a,b\n1,\"x\"y\n".to_owned(), 2, "data: line 2: text follows a closing quote"),
        ("a,a\n1,2\n".to_owned(), 1, "data: line 1: two columns are named `a`"),
        (String::new(), 1, "data: line 1: the file is empty"),
    ];

    for (csv, line, expected) in cases {
        let replacing = pb::ImportedTable { replace: true, ..table(id) };
        let new = pb::ImportedTable { table_name: "other".to_owned(), ..table(id) };
        for table in [replacing, new] {
            let response = api.import_as(table, &csv).await.map(tonic::Response::new);
            let status = response.refused(Code::InvalidArgument, "CSV_INVALID");
            assert_eq!(status.message(), expected);
            let metadata = status.get_details_error_info().unwrap().metadata;
            assert_eq!(metadata.get("line"), Some(&line.to_string()));
            let violations = status.get_details_bad_request().unwrap().field_violations;
            assert_eq!((violations.len(), &*violations[0].field), (1, "data"));
        }
    }

    assert_eq!(get_schema(&api, id).await.ok_response().tables, before.tables);
    let rows = format!("SELECT array_agg(n)::text FROM ds_{id}.t");
    let rows = text(&store(&harness).await, &rows).await;
    assert_eq!(rows.as_deref(), Some("{1}"));
}

#[tokio::test]
async fn the_table_comes_first_and_only_once() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let table = || Some(Part::Table(table(id)));
    let cases = [
        vec![],
        vec![None],
        vec![data("n\n1\n")],
        vec![data("n\n1\n"), table()],
        vec![table(), table(), data("n\n1\n")],
        vec![table(), data("n\n"), table()],
        vec![table(), data("n\n"), None, data("1\n")],
    ];

    for parts in cases {
        let order = format!("{parts:?}");
        let response = send(&api, parts).await.map(tonic::Response::new);
        assert!(response.is_err(), "{order}");
        response.invalid(&["part"]);
    }

    assert_eq!(get_schema(&api, id).await.ok_response().tables, []);
}

#[tokio::test]
async fn a_file_may_be_cut_anywhere() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let bytes = "nome,n\n\"São, \"\"Paulo\"\"\",1\r\nBelém,2\n".as_bytes();
    let one_by_one = bytes.iter().map(|&byte| Some(Part::Data(vec![byte].into())));

    let parts = [Some(Part::Table(table(id)))].into_iter().chain(one_by_one).collect();
    let imported = send(&api, parts).await.unwrap();

    assert_eq!(imported.row_count, 2);
    let names = format!("SELECT string_agg(nome, '|') FROM ds_{id}.t WHERE n < 3");
    let names = text(&store(&harness).await, &names).await;
    assert_eq!(names.as_deref(), Some("São, \"Paulo\"|Belém"));
}

#[tokio::test]
async fn only_the_callers_own_data_sets_take_files() {
    let harness = Harness::without_worker().await;
    let (api, other) = (harness.api(1), harness.api(2));
    let foreign = other.dataset().await;
    let postgres = create_postgres(&api, sales()).await.id;

    let into_foreign = api.import(foreign, "t", "n\n1\n").await;
    let into_postgres = api.import(postgres, "t", "n\n1\n").await;

    let into_foreign = into_foreign.map(tonic::Response::new);
    into_foreign.refused(Code::NotFound, "DATA_SOURCE_NOT_FOUND");
    into_postgres.map(tonic::Response::new).invalid(&["table.data_source_id"]);
    assert_eq!(get_schema(&other, foreign).await.ok_response().tables, []);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_imported_at_one_go() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let line =
        |n: u32| format!("{n},{}.{:02},2024-01-{:02},number {n}\n", n / 7, n % 100, n % 28 + 1);
    let csv = "id,amount,day,who\n".to_owned() + &(0..100_000).map(line).collect::<String>();

    let started = Instant::now();
    let imported = api.import(id, "t", &csv).await.unwrap();
    eprintln!("{} bytes of CSV were imported in {:?}", csv.len(), started.elapsed());

    assert_eq!(imported.row_count, 100_000);
    let sums = format!("SELECT concat(count(*), ' ', sum(id), ' ', max(day)) FROM ds_{id}.t");
    let sums = text(&store(&harness).await, &sums).await;
    assert_eq!(sums.as_deref(), Some("100000 4999950000 2024-01-28"));
}
