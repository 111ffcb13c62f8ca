use proto::v1::{
    self as pb,
    create_data_source_request::Kind,
    import_table_request::Part::{self, Data, Table},
};

use super::{bad_lines, check};
use crate::harness::{Expect as _, Harness, mask};

fn postgres() -> pb::PostgresSource {
    pb::PostgresSource {
        host: "db.example.com".to_owned(),
        database: "sales".to_owned(),
        user: "reader".to_owned(),
        password: "secret".to_owned(),
        ..Default::default()
    }
}

/// Ways to a database that are none, with the fields that make them so.
fn bad_ways() -> Vec<(pb::PostgresSource, &'static str)> {
    let host = |host: &str| pb::PostgresSource { host: host.to_owned(), ..postgres() };
    let port = |port| pb::PostgresSource { port, ..postgres() };
    let database = |name: &str| pb::PostgresSource { database: name.to_owned(), ..postgres() };
    let user = |name: &str| pb::PostgresSource { user: name.to_owned(), ..postgres() };
    let password = |it: String| pb::PostgresSource { password: it, ..postgres() };
    let ca_pem = |it: String| pb::PostgresSource { ca_pem: it, ..postgres() };
    let ssl_mode = |ssl_mode| pb::PostgresSource { ssl_mode, ..postgres() };
    vec![
        (pb::PostgresSource::default(), "postgres.database postgres.user postgres.host"),
        (host(""), "postgres.host"),
        (host(&"a".repeat(254)), "postgres.host"),
        (host("postgres://reader@db.example.com"), "postgres.host"),
        (host("db.example.com,10.0.0.1"), "postgres.host"),
        (host("/var/run/postgresql"), "postgres.host"),
        (host("db.example.com\0"), "postgres.host"),
        (port(-1), "postgres.port"),
        (port(65_536), "postgres.port"),
        (port(i32::MAX), "postgres.port"),
        (database(""), "postgres.database"),
        (database("a\0b"), "postgres.database"),
        (database(&"é".repeat(32)), "postgres.database"),
        (user(""), "postgres.user"),
        (user("a\0b"), "postgres.user"),
        (user(&"a".repeat(64)), "postgres.user"),
        (password("a".repeat(1_001)), "postgres.password"),
        (password("a\0b".to_owned()), "postgres.password"),
        (ca_pem("a".repeat(64 * 1024 + 1)), "postgres.ca_pem"),
        (ca_pem("no certificate".to_owned()), "postgres.ca_pem"),
        (ca_pem("a\0b".to_owned()), "postgres.ca_pem"),
        (ssl_mode(6), "postgres.ssl_mode"),
        (ssl_mode(-1), "postgres.ssl_mode"),
    ]
}

#[tokio::test]
async fn bad_data_sources_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = || Some(Kind::Dataset(pb::Dataset {}));
    let new = |name: String, kind| pb::CreateDataSourceRequest { name, kind, ..Default::default() };

    let mut cases = vec![
        (pb::CreateDataSourceRequest::default(), "name kind"),
        (new("A name".to_owned(), None), "kind"),
        (new(" ".to_owned(), dataset()), "name"),
    ];
    for name in bad_lines() {
        cases.push((new(name, dataset()), "name"));
    }
    for (way, fields) in bad_ways() {
        cases.push((new("A name".to_owned(), Some(Kind::Postgres(way))), fields));
    }
    check(async |it| api.sources.clone().create_data_source(it).await, cases).await;

    let request = pb::ListDataSourcesRequest::default();
    let list = api.sources.clone().list_data_sources(request).await.ok_response();
    assert_eq!(list.data_sources, []);
}

#[tokio::test]
async fn bad_changes_of_data_sources_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let kind = Some(Kind::Postgres(postgres()));
    let request =
        pb::CreateDataSourceRequest { name: "Sales".to_owned(), kind, ..Default::default() };
    let before = api.sources.clone().create_data_source(request).await.ok_response();
    let before = before.data_source.unwrap();
    let plain = pb::UpdateDataSourceRequest { data_source_id: before.id, ..Default::default() };
    let named = |name: String| pb::UpdateDataSourceRequest { name, ..plain.clone() };
    let way = |way| pb::UpdateDataSourceRequest { postgres: Some(way), ..plain.clone() };
    let masked =
        |paths: &[&str]| pb::UpdateDataSourceRequest { update_mask: mask(paths), ..plain.clone() };
    let without_password = || pb::PostgresSource { password: String::new(), ..postgres() };

    let of_dataset =
        pb::UpdateDataSourceRequest { data_source_id: api.dataset().await, ..way(postgres()) };
    let mut cases = vec![
        (plain.clone(), "update_mask"),
        (pb::UpdateDataSourceRequest::default(), "data_source_id update_mask"),
        (masked(&["dataset"]), "update_mask"),
        (masked(&["postgres.host"]), "update_mask"),
        (masked(&["name"]), "name"),
        (masked(&["postgres"]), "postgres.database postgres.user postgres.host"),
        (named(" ".to_owned()), "name"),
        (of_dataset, "postgres"),
        (
            way(pb::PostgresSource { host: "db.example.org".to_owned(), ..without_password() }),
            "postgres.password",
        ),
        (way(pb::PostgresSource { port: 5433, ..without_password() }), "postgres.password"),
        (
            way(pb::PostgresSource { database: "other".to_owned(), ..without_password() }),
            "postgres.password",
        ),
        (
            way(pb::PostgresSource { user: "other".to_owned(), ..without_password() }),
            "postgres.password",
        ),
    ];
    cases.extend(bad_lines().map(|name| (named(name), "name")));
    cases.extend(bad_ways().into_iter().map(|(bad, fields)| (way(bad), fields)));
    check(async |it| api.sources.clone().update_data_source(it).await, cases).await;

    let request = pb::GetDataSourceRequest { data_source_id: before.id };
    let after = api.sources.clone().get_data_source(request).await.ok_response();
    assert_eq!(after.data_source, Some(before));
}

#[tokio::test]
async fn bad_lists_of_data_sources_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let page = |per_page, token: &str| pb::ListDataSourcesRequest {
        per_page,
        page_token: token.to_owned(),
    };

    let cases = [(page(-1, ""), "per_page"), (page(i32::MIN, "!"), "per_page page_token")];
    check(async |it| api.sources.clone().list_data_sources(it).await, cases).await;
}

#[tokio::test]
async fn a_schema_is_not_narrowed_for_an_agent_on_another_data_source() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (data_source_id, elsewhere) = (api.dataset().await, api.agent().await);
    let of = |data_source_id, agent_id| pb::GetSchemaRequest { data_source_id, agent_id };

    let cases = [
        (of(data_source_id, -1), "agent_id"),
        (of(0, i64::MIN), "data_source_id agent_id"),
        (of(data_source_id, elsewhere), "agent_id"),
    ];
    check(async |it| api.sources.clone().get_schema(it).await, cases).await;
}

#[tokio::test]
async fn bad_imports_are_refused() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let table = pb::ImportedTable {
        data_source_id: api.dataset().await,
        table_name: "sales".to_owned(),
        ..Default::default()
    };
    let named = |name: &str| pb::ImportedTable { table_name: name.to_owned(), ..table.clone() };
    let cut = |by: &str| pb::ImportedTable { delimiter: by.to_owned(), ..table.clone() };
    let nulls = |count| pb::ImportedTable {
        null_markers: Some(pb::NullMarkers { markers: vec!["-".to_owned(); count] }),
        ..table.clone()
    };

    let mut cases = vec![
        (vec![], "part"),
        (vec![None], "part"),
        (vec![Some(Data("a\n1\n".into()))], "part"),
        (vec![Some(Table(table.clone())), None], "part"),
        (vec![Some(Table(table.clone())), Some(Table(table.clone()))], "part"),
    ];
    for (table, fields) in [
        (
            pb::ImportedTable { delimiter: "::".to_owned(), ..Default::default() },
            "table.data_source_id table.delimiter table.table_name",
        ),
        (pb::ImportedTable { data_source_id: -1, ..table.clone() }, "table.data_source_id"),
        (named(""), "table.table_name"),
        (named("Sales"), "table.table_name"),
        (named("1st"), "table.table_name"),
        (named("a b"), "table.table_name"),
        (named("a\"b"), "table.table_name"),
        (named("a.b"), "table.table_name"),
        (named("vendas_ç"), "table.table_name"),
        (named(&"a".repeat(64)), "table.table_name"),
        (cut(";;"), "table.delimiter"),
        (cut("é"), "table.delimiter"),
        (cut("\""), "table.delimiter"),
        (cut("\n"), "table.delimiter"),
        (cut("\r"), "table.delimiter"),
        (cut("\0"), "table.delimiter"),
        (nulls(21), "table.null_markers.markers"),
    ] {
        cases.push((vec![Some(Table(table)), Some(Data("a\n1\n".into()))], fields));
    }
    let import = async |parts: Vec<Option<Part>>| {
        let parts = parts.into_iter().map(|part| pb::ImportTableRequest { part });
        let parts: Vec<pb::ImportTableRequest> = parts.collect();
        api.sources.clone().import_table(tokio_stream::iter(parts)).await
    };
    check(import, cases).await;

    let request = pb::GetSchemaRequest { data_source_id: table.data_source_id, agent_id: 0 };
    let schema = api.sources.clone().get_schema(request).await.ok_response();
    assert_eq!(schema.tables, []);
}
