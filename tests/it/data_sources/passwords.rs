use data_source::Sealer;
use proto::v1 as pb;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use storage::Database;
use tonic::Code;

use super::{
    OtherDatabase, PASSWORD, create_postgres, delete, get_schema, redirect, refresh_schema, sales,
    update,
};
use crate::harness::{Expect as _, Harness, SEALING_KEYS};

/// A data source's row as text, and its sealed password.
async fn row(db: &Database, id: i64) -> (String, Option<Vec<u8>>) {
    let sql = format!(
        "SELECT to_jsonb(data_sources)::text AS row, sealed_password FROM data_sources WHERE id = {id}"
    );
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
    let row = row.expect("the statement is valid").expect("it is there");
    let (text, sealed) = (row.try_get("", "row"), row.try_get("", "sealed_password"));
    (text.expect("a text"), sealed.expect("bytes or NULL"))
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_password_never_comes_back() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let mut sources = api.sources.clone();
    let id = create_postgres(&api, sales()).await.id;
    let renaming = pb::UpdateDataSourceRequest {
        data_source_id: id,
        name: "Renamed".to_owned(),
        ..Default::default()
    };
    let get = pb::GetDataSourceRequest { data_source_id: id };

    let said = [
        format!("{:?}", create_postgres(&api, sales()).await),
        format!("{:?}", redirect(&api, id, sales()).await.ok_response()),
        format!("{:?}", update(&api, renaming).await.ok_response()),
        format!("{:?}", sources.get_data_source(get).await.ok_response()),
        format!("{:?}", sources.list_data_sources(pb::ListDataSourcesRequest::default()).await),
        format!("{:?}", get_schema(&api, id).await),
    ];

    for said in said {
        assert!(!said.contains("s3cret") && !said.contains("[115, 51, 99"), "{said}");
    }
}

#[tokio::test]
async fn a_password_is_stored_sealed_for_its_owner_until_its_source_is_deleted() {
    let harness = Harness::without_worker().await;
    let api = harness.api(7);
    let id = create_postgres(&api, sales()).await.id;

    let (text, sealed) = row(&harness.db, id).await;
    delete(&api, id).await.ok_response();
    let (_, sealed_after) = row(&harness.db, id).await;

    let sealed = sealed.expect("it is stored");
    let sealer: Sealer = SEALING_KEYS.parse().unwrap();
    assert!(text.contains("db.example.org"), "{text}");
    for clear in ["s3cret".to_owned(), hexadecimal("s3cret"), "czNjcmV0".to_owned()] {
        assert!(!text.contains(&clear), "{text}");
    }
    assert_eq!(sealer.open(7, &sealed).unwrap(), PASSWORD);
    assert!(sealer.open(8, &sealed).is_err(), "it opens for another owner");
    assert_eq!(sealed_after, None);
}

#[tokio::test]
async fn a_data_sets_own_password_is_random_and_stored_sealed() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let ids = [api.dataset().await, api.dataset().await];

    let rows = [row(&harness.db, ids[0]).await, row(&harness.db, ids[1]).await];

    let sealer: Sealer = SEALING_KEYS.parse().unwrap();
    let passwords = rows.map(|(text, sealed)| {
        let password = sealer.open(1, &sealed.expect("it is stored")).unwrap();
        assert!(!text.contains(&password) && !text.contains(&hexadecimal(&password)), "{text}");
        password
    });
    assert_eq!(passwords[0].len(), 40);
    assert_ne!(passwords[0], passwords[1]);
}

#[tokio::test]
async fn a_password_is_kept_only_where_it_was_given_for() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let good = database.way();
    let id = create_postgres(&api, good.clone()).await.id;
    let kept = pb::PostgresSource { password: String::new(), ..good };
    let elsewhere = [
        pb::PostgresSource { host: "localhost".to_owned(), ..kept.clone() },
        pb::PostgresSource { port: 5433, ..kept.clone() },
        pb::PostgresSource { port: 0, ..kept.clone() },
        pb::PostgresSource { database: "postgres".to_owned(), ..kept.clone() },
        pb::PostgresSource { user: "postgres".to_owned(), ..kept.clone() },
    ];
    let otherwise = pb::PostgresSource { ssl_mode: pb::SslMode::Disable.into(), ..kept.clone() };

    for way in elsewhere {
        redirect(&api, id, way).await.invalid(&["postgres.password"]);
        refresh_schema(&api, id).await.ok_response();
    }
    redirect(&api, id, otherwise).await.ok_response();

    refresh_schema(&api, id).await.ok_response();
}

#[tokio::test]
async fn a_new_password_replaces_the_old_one() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = OtherDatabase::create("").await;
    let good = database.way();
    let id = create_postgres(&api, good.clone()).await.id;
    let wrong = pb::PostgresSource { password: "wrong".to_owned(), ..good.clone() };

    redirect(&api, id, wrong).await.ok_response();
    let with_wrong = get_schema(&api, id).await;
    redirect(&api, id, good).await.ok_response();
    let with_good = get_schema(&api, id).await;

    with_wrong.refused(Code::FailedPrecondition, "DATA_SOURCE_REFUSED");
    with_good.ok_response();
}
