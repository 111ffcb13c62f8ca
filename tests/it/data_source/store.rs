use data_source::{DatasetStore, Error};
use futures::future;

use super::{
    LIMITS, PASSWORD, SLOW, as_role, count, data_set, import_of, numbers, pools, run, store,
    until_sessions_at_work,
};

#[tokio::test]
async fn making_and_dropping_can_be_repeated_and_run_side_by_side() {
    let (store, admin) = store().await;
    let left = "SELECT (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ds\\_%')
                     + (SELECT count(*) FROM pg_roles
                         WHERE rolname LIKE current_database() || '\\_ds\\_%')";

    let made = future::join_all((0..12).map(|n| store.ensure(n % 4, PASSWORD))).await;
    let between: i64 = admin.query_one(left, &[]).await.unwrap().get(0);
    let dropped = future::join_all((0..8).map(|n| store.drop(n % 4))).await;
    let after: i64 = admin.query_one(left, &[]).await.unwrap().get(0);

    made.into_iter().chain(dropped).for_each(|done| done.unwrap());
    assert_eq!((between, after), (8, 0));
}

#[tokio::test]
async fn making_a_data_set_again_changes_its_password_and_keeps_its_tables() {
    let (store, _) = store().await;
    let (old, schema) = data_set(&store, "n\n1\n").await;

    store.ensure(1, "another password").await.unwrap();

    let refused = pools().introspect(&old).await;
    assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    let new = store.source(1, "another password");
    assert_eq!(pools().introspect(&new).await.unwrap(), schema);
}

#[tokio::test]
async fn a_data_set_is_dropped_while_it_is_read() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let reading = {
        let (source, schema) = (source.clone(), schema.clone());
        tokio::spawn(async move { run(&source, &schema, SLOW, LIMITS).await })
    };
    until_sessions_at_work(&admin, &source, 1).await;

    store.drop(1).await.unwrap();

    let error = reading.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
    assert_eq!(count(&admin, "pg_namespace WHERE nspname = 'ds_1'").await, 0);
}

#[tokio::test]
async fn a_data_sets_role_reads_its_own_tables_and_can_do_nothing_else() {
    let (store, _) = store().await;
    let (source, _) = data_set(&store, "n\n1\n").await;
    store.ensure(2, PASSWORD).await.unwrap();
    store.import(2, import_of("hidden", "n\n1\n")).await.unwrap();
    let role = as_role(&source).await;
    role.batch_execute("SET default_transaction_read_only = off").await.unwrap();

    for statement in [
        "SELECT * FROM ds_2.hidden",
        "SELECT * FROM tertulia.imports",
        "DELETE FROM tertulia.imports",
        "DELETE FROM ds_1.t",
        "INSERT INTO ds_1.t VALUES (2)",
        "UPDATE ds_1.t SET n = 2",
        "TRUNCATE ds_1.t",
        "DROP TABLE ds_1.t",
        "CREATE TABLE ds_1.mine (n int)",
        "CREATE TABLE public.mine (n int)",
        "CREATE TEMPORARY TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY ds_1.t TO '/tmp/t'",
        "SELECT rolpassword FROM pg_authid",
    ] {
        let error = role.batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code().map(|it| it.code()), Some("42501"), "{statement}: {error:?}");
    }

    assert_eq!(count(&role, "ds_1.t").await, 1);
}

#[tokio::test]
async fn a_data_set_shows_its_own_tables_alone() {
    let (store, _) = store().await;
    data_set(&store, "n\n1\n").await;
    store.ensure(2, PASSWORD).await.unwrap();
    store.import(2, import_of("other", "n\n1\n")).await.unwrap();

    let schema = pools().introspect(&store.source(2, PASSWORD)).await;

    let tables = schema.unwrap().tables;
    let names: Vec<_> = tables.iter().map(|it| (&*it.schema, &*it.name)).collect();
    assert_eq!(names, [("ds_2", "other")]);
}

#[tokio::test]
async fn a_store_that_can_not_be_is_refused_at_once() {
    let nowhere = "postgres://nobody:wrong@127.0.0.1:1/x";
    let too_long = format!("postgres://nobody:wrong@127.0.0.1:1/{}", "d".repeat(41));

    let unreachable = DatasetStore::connect(nowhere).await;
    let unfit = DatasetStore::connect(&too_long).await;

    assert!(matches!(unreachable, Err(Error::Unreachable(_))), "{unreachable:?}");
    assert!(matches!(unfit, Err(Error::StoreUnfit { .. })), "{unfit:?}");
}
