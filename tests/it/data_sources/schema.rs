use std::net::TcpListener;

use proto::v1 as pb;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{OtherDatabase, columns, create_postgres, get_schema, refresh_schema, test};
use crate::harness::{Expect as _, Harness};

/// Contacts a source that can't be read in every way that there is, and expects to
/// hear of none of its fields.
async fn refused(
    harness: &Harness,
    postgres: pb::PostgresSource,
    code: Code,
    reason: &str,
) -> Status {
    let api = harness.api(1);
    let id = create_postgres(&api, postgres.clone()).await.id;
    let status = get_schema(&api, id).await.refused(code, reason);
    let refreshed = refresh_schema(&api, id).await.refused(code, reason);
    let tested = test(&api, id, true).await.refused(code, reason);
    let said = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
    for other in [refreshed, tested] {
        assert_eq!((other.message(), other.details()), (status.message(), status.details()));
    }
    let pb::PostgresSource { host, port, database, user, password, .. } = postgres;
    let fields = [host, port.to_string(), database, user, password];
    for secret in fields.iter().filter(|field| !field.is_empty()) {
        assert!(!said.contains(secret.as_str()), "{secret} is in: {said}");
    }
    status
}

#[tokio::test]
async fn a_data_sets_schema_is_what_was_imported() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    let empty = get_schema(&api, dataset).await.ok_response();
    api.import(dataset, "orders", "Order ID,Paid\n1,true\n").await.unwrap();
    let customers = api.import(dataset, "customers", "name\nAda\n").await.unwrap();

    let schema = get_schema(&api, dataset).await.ok_response();

    assert_eq!(empty.tables, []);
    let [first, second] = &schema.tables[..] else { panic!("{schema:?}") };
    assert_eq!(Some(first), customers.table.as_ref());
    assert_eq!((&*second.schema, &*second.name), (&*format!("ds_{dataset}"), "orders"));
    assert_eq!(columns(second), [("order_id", "bigint"), ("paid", "boolean")]);
}

#[tokio::test]
async fn a_databases_schema_is_what_its_role_can_read() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let OtherDatabase { admin, name: role, .. } = &database;
    admin
        .batch_execute(&format!(
            "CREATE SCHEMA shop;
             CREATE TABLE shop.orders (id int NOT NULL, total numeric(10,2), secret text);
             CREATE VIEW shop.totals AS SELECT total FROM shop.orders;
             CREATE TABLE shop.wages (amount int);
             GRANT USAGE ON SCHEMA shop TO {role};
             GRANT SELECT (id, total) ON shop.orders TO {role};
             GRANT SELECT ON shop.totals TO {role};"
        ))
        .await
        .unwrap();
    let id = create_postgres(&api, database.way()).await.id;

    let schema = get_schema(&api, id).await.ok_response();

    let [orders, totals] = &schema.tables[..] else { panic!("{schema:?}") };
    assert_eq!((&*orders.schema, &*orders.name), ("shop", "orders"));
    assert_eq!(columns(orders), [("id", "integer"), ("total", "numeric(10,2)")]);
    assert_eq!(orders.columns.iter().map(|it| it.nullable).collect::<Vec<_>>(), [false, true]);
    assert_eq!(totals.name, "totals");
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_contacted() {
    let harness = Harness::without_worker().await;
    let database = OtherDatabase::create("").await;

    for host in ["10.0.0.7", "169.254.169.254", "192.168.0.1", "::1", "0.0.0.0", "fd00::7"] {
        let inside = pb::PostgresSource { host: host.to_owned(), ..database.way() };
        let status =
            refused(&harness, inside, Code::FailedPrecondition, "DATA_SOURCE_REFUSED").await;
        assert_eq!(status.message(), "the data source's address is not allowed");
    }
}

#[tokio::test]
async fn a_login_that_fails_is_refused_for_good() {
    let harness = Harness::without_worker().await;
    let database = OtherDatabase::create("").await;
    let good = database.way();
    let closed_to_it = harness.sources.store.source(1, "").database;
    let cases = [
        pb::PostgresSource { password: "the wrong one".to_owned(), ..good.clone() },
        pb::PostgresSource { password: String::new(), ..good.clone() },
        pb::PostgresSource { user: "nobody_at_all".to_owned(), ..good.clone() },
        pb::PostgresSource { database: "no_such_database".to_owned(), ..good.clone() },
        pb::PostgresSource { database: closed_to_it, ..good.clone() },
        pb::PostgresSource { ssl_mode: pb::SslMode::Require.into(), ..good },
    ];

    for case in cases {
        refused(&harness, case, Code::FailedPrecondition, "DATA_SOURCE_REFUSED").await;
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unavailable() {
    let harness = Harness::without_worker().await;
    let database = OtherDatabase::create("").await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = pb::PostgresSource { port: port.into(), ..database.way() };
    let nowhere = pb::PostgresSource { host: "no-such-host.invalid".to_owned(), ..silent.clone() };

    for source in [silent, nowhere] {
        let status = refused(&harness, source, Code::Unavailable, "DATA_SOURCE_UNAVAILABLE").await;
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
    }
}
