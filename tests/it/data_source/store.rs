use data_source::{DatasetStore, Egress, Error};

use super::{
    LIMITS, PASSWORD, SLOW, as_role, count, data_set, import, import_of, numbers, run, store,
    until_sessions_at_work,
};

#[tokio::test]
async fn ensure_and_drop_can_be_repeated_and_run_side_by_side() {
    let (store, admin) = store().await;
    let ensured = futures::future::join_all((0..12).map(|n| store.ensure(n % 4, PASSWORD))).await;
    ensured.into_iter().for_each(|it| it.unwrap());
    import(&store, "t", "a\n1\n").await.unwrap();
    store.ensure(1, "another password").await.unwrap();

    let egress = Egress::default();
    let refused = data_source::introspect(&store.source(1, PASSWORD), &egress).await;
    assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    let source = store.source(1, "another password");
    assert_eq!(data_source::introspect(&source, &egress).await.unwrap().tables.len(), 1);

    let dropped = futures::future::join_all((0..8).map(|n| store.drop(n % 4))).await;
    dropped.into_iter().for_each(|it| it.unwrap());
    assert_eq!(count(&admin, "pg_namespace WHERE nspname LIKE 'ds\\_%'").await, 0);
    let roles = "pg_roles WHERE rolname LIKE current_database() || '\\_ds\\_%'";
    assert_eq!(count(&admin, roles).await, 0);
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
    assert_eq!(count(&role, "ds_1.t").await, 1);
    for statement in [
        "SELECT * FROM ds_2.hidden",
        "DELETE FROM ds_1.t",
        "INSERT INTO ds_1.t VALUES (2)",
        "UPDATE ds_1.t SET n = 2",
        "TRUNCATE ds_1.t",
        "DROP TABLE ds_1.t",
        "CREATE TABLE ds_1.mine (n int)",
        "CREATE TABLE public.mine (n int)",
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

    let source = store.source(2, PASSWORD);
    let schema = data_source::introspect(&source, &Egress::default()).await.unwrap();
    let tables: Vec<_> = schema.tables.iter().map(|it| (&*it.schema, &*it.name)).collect();
    assert_eq!(tables, [("ds_2", "hidden")]);
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
