//! Imports with a request's id: each request imports once.

use std::time::Duration;

use data_source::{
    DatasetStore, Error,
    dataset::{Import, Imported, Request},
};
use futures::future;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{PASSWORD, count, data_set, import, import_of, numbers, place_for_a_store, store};
use crate::harness::{eventually, superuser_in};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn request(id: u128, content: u8) -> Request {
    Request { id: Uuid::from_u128(id), content_hash: [content; 32] }
}

/// As `csv` itself would have it: another first byte makes another request.
fn requested(id: u128, csv: &str) -> Import {
    let content = csv.bytes().next().unwrap_or_default();
    Import { request: Some(request(id, content)), ..import_of("t", csv) }
}

async fn import_as(store: &DatasetStore, id: u128, csv: &str) -> Result<Imported, Error> {
    store.import(1, requested(id, csv)).await
}

async fn empty_data_set() -> (DatasetStore, Client) {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.expect("the data set is new");
    (store, admin)
}

/// A second session beside `admin`: what one sees of the others' doings stays the
/// same until its transaction ends.
async fn another_session(store: &DatasetStore) -> Client {
    superuser_in(&store.source(1, "").database).await
}

async fn until_waiting(admin: &Client, expected: i64, statement: &str) {
    let from = format!(
        "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                            AND query LIKE '%{statement}%' AND pid <> pg_backend_pid()"
    );
    let ask = async || (count(admin, &from).await == expected).then_some(());
    eventually(&format!("{expected} waiting in {statement}"), ask).await;
}

#[tokio::test]
async fn a_repeated_request_gets_the_same_answer_and_imports_nothing() {
    let (store, admin) = empty_data_set().await;
    let first = import_as(&store, 7, "n\n1\n2\n").await.unwrap();

    let repeated = import_as(&store, 7, "n\n1\n2\n").await.unwrap();
    let replacing = Import { replace: true, ..import_of("t", "other\nx\n") };
    store.import(1, replacing).await.unwrap();
    let after_replacement = import_as(&store, 7, "n\n1\n2\n").await.unwrap();
    let kept = count(&admin, "ds_1.t WHERE other = 'x'").await;
    admin.batch_execute("DROP TABLE ds_1.t").await.unwrap();
    let after_drop = import_as(&store, 7, "n\n1\n2\n").await.unwrap();

    assert_eq!([&repeated, &after_replacement, &after_drop], [&first; 3]);
    assert_eq!(kept, 1);
    assert_eq!(count(&admin, "pg_tables WHERE schemaname = 'ds_1'").await, 0);
}

#[tokio::test]
async fn an_id_is_refused_for_another_request() {
    let (store, admin) = empty_data_set().await;
    import_as(&store, 7, "n\n1\n").await.unwrap();

    let replacing = Import { replace: true, ..requested(7, "m\n1\n2\n") };
    let refused = store.import(1, replacing).await;
    let faulty = import_as(&store, 7, "a,b\n1\n").await;
    store.ensure(2, PASSWORD).await.unwrap();
    let elsewhere = store.import(2, requested(7, "m\n1\n2\n")).await.unwrap();

    assert!(matches!(refused, Err(Error::RequestIdReused)), "{refused:?}");
    assert!(matches!(faulty, Err(Error::RequestIdReused)), "{faulty:?}");
    assert_eq!(elsewhere.row_count, 2);
    assert_eq!(count(&admin, "ds_1.t WHERE n = 1").await, 1);
}

#[tokio::test]
async fn of_many_duplicates_at_once_one_imports_and_all_get_its_answer() {
    let (store, admin) = empty_data_set().await;
    let csv = numbers(5_000);

    // A second import would find the table there, and fail.
    let duplicates = (0..64).map(|_| import_as(&store, 7, &csv));
    let all = future::join_all(duplicates).await;

    for imported in all {
        assert_eq!(imported.unwrap().row_count, 5_000);
    }
    assert_eq!(count(&admin, "tertulia.imports").await, 1);
    assert_eq!(count(&admin, "ds_1.t").await, 5_000);
}

#[tokio::test]
async fn a_duplicate_waits_for_the_first_and_takes_its_place_if_that_fails() {
    let (store, admin) = empty_data_set().await;
    let id = request(7, b'n').id;
    let first = format!("BEGIN; INSERT INTO tertulia.imports VALUES (1, '{id}', 'another')");
    let holder = another_session(&store).await;
    holder.batch_execute(&first).await.unwrap();

    let duplicate = tokio::spawn(async move { import_as(&store, 7, "n\n1\n").await });
    until_waiting(&admin, 1, "INSERT INTO tertulia.imports").await;
    holder.batch_execute("ROLLBACK").await.unwrap();

    assert_eq!(duplicate.await.unwrap().unwrap().row_count, 1);
    assert_eq!(count(&admin, "ds_1.t").await, 1);
}

#[tokio::test]
async fn an_import_that_fails_leaves_its_id_free() {
    let (store, admin) = empty_data_set().await;
    let faulty = import_as(&store, 7, "a,b\n1\n").await;
    let fixed = import_as(&store, 7, "b,a\n1,2\n").await.unwrap();

    let exists = import_as(&store, 8, "n\n1\n").await;
    admin.batch_execute("DROP TABLE ds_1.t").await.unwrap();
    let repeated = import_as(&store, 8, "n\n1\n").await.unwrap();

    assert!(matches!(faulty, Err(Error::Csv { line: 2, .. })), "{faulty:?}");
    assert!(matches!(exists, Err(Error::TableExists)), "{exists:?}");
    assert_eq!((fixed.row_count, repeated.row_count), (1, 1));
    assert_eq!(count(&admin, "ds_1.t WHERE n = 1").await, 1);
}

#[tokio::test]
async fn an_import_that_is_cut_off_leaves_its_id_free() {
    let (store, admin) = store().await;
    data_set(&store, "n\n1\n").await;
    let holder = another_session(&store).await;
    holder.batch_execute("BEGIN; LOCK TABLE ds_1.t IN ACCESS SHARE MODE").await.unwrap();
    let import = |csv| store.import(1, Import { replace: true, ..requested(7, csv) });

    tokio::select! {
        imported = import("a\n2\n") => panic!("it waits for the lock, {imported:?}"),
        () = until_waiting(&admin, 1, "DROP TABLE IF EXISTS ds_1") => (),
    }
    until_waiting(&admin, 0, "DROP TABLE IF EXISTS ds_1").await;
    holder.batch_execute("COMMIT").await.unwrap();
    let imported = import("b\n3\n4\n").await.unwrap();

    assert_eq!(imported.row_count, 2);
    assert_eq!(count(&admin, "ds_1.t WHERE 2 < b").await, 2);
}

#[tokio::test]
async fn a_dropped_data_sets_requests_go_with_it() {
    let (store, admin) = empty_data_set().await;
    store.ensure(2, PASSWORD).await.unwrap();
    store.import(1, requested(7, "n\n1\n")).await.unwrap();
    store.import(2, requested(7, "n\n1\n")).await.unwrap();

    store.drop(1).await.unwrap();

    assert_eq!(count(&admin, "tertulia.imports WHERE data_source_id = 1").await, 0);
    assert_eq!(count(&admin, "tertulia.imports WHERE data_source_id = 2").await, 1);
}

#[tokio::test]
async fn a_purge_takes_what_is_older_than_a_day_batch_by_batch() {
    let (store, admin) = empty_data_set().await;
    import_as(&store, 7, "n\n1\n").await.unwrap();
    let add = "
        INSERT INTO tertulia.imports
        SELECT 1, gen_random_uuid(), '', NULL, now() - age * interval '1 minute'
          FROM unnest(ARRAY[1439, 1501, 3000, 90000]) AS age";
    admin.batch_execute(add).await.unwrap();

    let mut purged = Vec::new();
    for _ in 0..3 {
        purged.push(store.purge_imports(DAY, 2).await.unwrap());
    }

    assert_eq!(purged, [2, 1, 0]);
    let kept = "tertulia.imports WHERE now() - interval '1 day' < created_at";
    assert_eq!((count(&admin, "tertulia.imports").await, count(&admin, kept).await), (2, 2));
}

#[tokio::test]
async fn a_purge_leaves_what_is_to_be_kept_for_longer() {
    let (store, admin) = empty_data_set().await;
    let add = "
        INSERT INTO tertulia.imports
        SELECT 1, gen_random_uuid(), '', NULL, now() - age * interval '1 hour'
          FROM unnest(ARRAY[26, 48, 50]) AS age";
    admin.batch_execute("DELETE FROM tertulia.imports").await.unwrap();
    admin.batch_execute(add).await.unwrap();

    let purged = store.purge_imports(2 * DAY, 10).await.unwrap();

    assert_eq!((purged, count(&admin, "tertulia.imports").await), (1, 2));
}

#[tokio::test]
async fn a_purge_passes_over_what_another_is_purging() {
    let (store, admin) = empty_data_set().await;
    let add = "
        INSERT INTO tertulia.imports
        SELECT n, gen_random_uuid(), '', NULL, '2001-01-01' FROM generate_series(1, 5) AS n";
    admin.batch_execute(add).await.unwrap();
    let other = another_session(&store).await;
    let purge = "BEGIN; DELETE FROM tertulia.imports WHERE data_source_id <= 2";
    other.batch_execute(purge).await.unwrap();

    let purged = timeout(Duration::from_secs(30), store.purge_imports(DAY, 5)).await;
    other.batch_execute("COMMIT").await.unwrap();

    assert_eq!(purged.expect("it waits for nobody").unwrap(), 3);
    assert_eq!(count(&admin, "tertulia.imports").await, 0);
}

#[tokio::test]
async fn an_id_that_was_purged_may_be_used_again() {
    let (store, admin) = empty_data_set().await;
    import_as(&store, 7, "n\n1\n").await.unwrap();
    let age = "UPDATE tertulia.imports SET created_at = '2001-01-01'; DROP TABLE ds_1.t";
    admin.batch_execute(age).await.unwrap();

    store.purge_imports(DAY, 10).await.unwrap();
    let imported = import_as(&store, 7, "m\n1\n2\n").await.unwrap();

    assert_eq!(imported.row_count, 2);
}

#[tokio::test]
async fn a_store_that_several_processes_find_empty_becomes_one() {
    let (url, admin) = place_for_a_store().await;

    let stores = future::join_all((0..8).map(|_| DatasetStore::connect(&url))).await;

    for store in stores {
        store.unwrap();
    }
    assert_eq!(count(&admin, "tertulia.imports").await, 0);
}

#[tokio::test]
async fn an_import_without_a_request_leaves_no_entry() {
    let (store, admin) = empty_data_set().await;

    import(&store, "t", "n\n1\n").await.unwrap();

    assert_eq!(count(&admin, "tertulia.imports").await, 0);
}
