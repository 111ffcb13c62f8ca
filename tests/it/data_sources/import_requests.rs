use std::time::Duration;

use futures::future;
use prost::Message as _;
use proto::v1 as pb;
use session_service::sweep;
use tokio_util::sync::CancellationToken;
use tonic::Code;
use uuid::Uuid;

use super::{columns, get_schema, superuser_in};
use crate::harness::{Api, Expect as _, Harness, eventually};

const DAY: Duration = Duration::from_secs(24 * 3600);
const REQUEST_ID: &str = "936da01f-9abd-4d9d-80c7-02af85c822a8";

fn table(data_source_id: i64) -> pb::ImportedTable {
    pb::ImportedTable {
        data_source_id,
        table_name: "t".to_owned(),
        request_id: REQUEST_ID.to_owned(),
        ..Default::default()
    }
}

/// The columns of the data set's only table.
async fn only_columns(api: &Api, id: i64) -> Vec<String> {
    let schema = get_schema(api, id).await.ok_response();
    let [table] = schema.tables.as_slice() else { panic!("{schema:?}") };
    columns(table).into_iter().map(|(name, _)| name.to_owned()).collect()
}

#[tokio::test]
async fn a_request_that_is_sent_again_imports_nothing_and_gets_the_same_response() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let csv = "n,Preço\n1,\n2,0.50\n";

    let first = api.import_as(table(id), csv).await.unwrap();
    let replacing = pb::ImportedTable { replace: true, ..table(id) };
    let replacing = pb::ImportedTable { request_id: String::new(), ..replacing };
    api.import_as(replacing, "other\nx\n").await.unwrap();
    let spelt_out = pb::ImportedTable {
        delimiter: ",".to_owned(),
        null_markers: Some(pb::NullMarkers { markers: vec![String::new(), "NA".to_owned()] }),
        request_id: REQUEST_ID.to_uppercase(),
        ..table(id)
    };
    let second = api.import_as(table(id), csv).await.unwrap();
    let third = api.import_as(spelt_out, csv).await.unwrap();

    assert_eq!(first.row_count, 2);
    assert_eq!(second.encode_to_vec(), first.encode_to_vec());
    assert_eq!(third.encode_to_vec(), first.encode_to_vec());
    assert_eq!(only_columns(&api, id).await, ["other"]);
}

#[tokio::test]
async fn an_id_is_refused_for_any_other_table_or_file() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let csv = "n\n1\n";
    api.import_as(table(id), csv).await.unwrap();
    let no_markers = Some(pb::NullMarkers { markers: Vec::new() });
    let others = [
        (pb::ImportedTable { table_name: "u".to_owned(), ..table(id) }, csv),
        (pb::ImportedTable { delimiter: ";".to_owned(), ..table(id) }, csv),
        (pb::ImportedTable { null_markers: no_markers, ..table(id) }, csv),
        (pb::ImportedTable { replace: true, ..table(id) }, csv),
        (table(id), "n\n2\n"),
        (table(id), "n\n1"),
        (table(id), ""),
    ];

    for (table, csv) in others {
        let refused = api.import_as(table, csv).await.map(tonic::Response::new);
        refused.refused(Code::AlreadyExists, "REQUEST_ID_REUSED");
    }

    assert_eq!(only_columns(&api, id).await, ["n"]);
    let elsewhere = api.dataset().await;
    assert_eq!(api.import_as(table(elsewhere), "n\n2\n3\n").await.unwrap().row_count, 2);
}

#[tokio::test]
async fn of_64_duplicates_at_once_one_imports() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let csv = "n\n".to_owned() + &(0..2_000).map(|n| format!("{n}\n")).collect::<String>();

    // A second import would fail, since the table is there then.
    let all = future::join_all((0..64).map(|_| api.import_as(table(id), &csv))).await;

    for imported in all {
        assert_eq!(imported.unwrap().row_count, 2_000);
    }
}

#[tokio::test]
async fn an_import_that_failed_may_be_mended_under_the_same_id() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;

    let refused = api.import_as(table(id), "a,b\n1\n").await.map(tonic::Response::new);
    let imported = api.import_as(table(id), "a,b\n1,2\n").await.unwrap();

    refused.refused(Code::InvalidArgument, "CSV_INVALID");
    assert_eq!(imported.row_count, 1);
}

#[tokio::test]
async fn the_sweep_forgets_old_requests() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = api.dataset().await;
    let new = pb::ImportedTable { request_id: Uuid::from_u128(1).to_string(), ..table(id) };
    api.import_as(new, "n\n1\n").await.unwrap();
    let admin = superuser_in(&harness.sources.store.source(1, "").database).await;
    let add = "
        INSERT INTO tertulia.imports
        SELECT n, gen_random_uuid(), '', NULL, '2001-01-01' FROM generate_series(1, 2500) AS n";
    admin.batch_execute(add).await.unwrap();

    let shutdown = CancellationToken::new();
    let sweep = tokio::spawn(sweep::imports(harness.sources.clone(), DAY, shutdown.clone()));
    let left = "SELECT count(*) FROM tertulia.imports";
    let ask = async || {
        let left: i64 = admin.query_one(left, &[]).await.unwrap().get(0);
        (left == 1).then_some(())
    };
    eventually("the purge of all that is old", ask).await;
    shutdown.cancel();
    sweep.await.unwrap();
}
