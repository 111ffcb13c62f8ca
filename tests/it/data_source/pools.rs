use std::time::{Duration, Instant};

use data_source::{Egress, Error, Limits, Pools, Rows, Schema, Settings, Source, guard};
use futures::future;
use tokio_postgres::Client;

use super::{
    LIMITS, SLOW, backends, data_set, numbers, pools, store, texts, until_sessions_at_work,
};
use crate::harness::eventually;

fn pools_of(max_connections: usize, idle_time: Duration) -> Pools {
    Pools::new(Egress::default(), Settings { max_connections, idle_time })
}

async fn query(
    pools: &Pools,
    source: &Source,
    schema: &Schema,
    sql: &str,
    timeout: Duration,
) -> Result<Rows, Error> {
    let query = guard::check(sql, schema).expect("the guard accepts the statement");
    pools.query(source, schema, &query, &Limits { timeout, ..LIMITS }).await
}

/// A view that the source's role may read.
async fn create_view(admin: &Client, source: &Source, name: &str, query: &str) {
    let create = format!(
        "CREATE VIEW ds_1.{name} AS {query}; GRANT SELECT ON ds_1.{name} TO \"{}\"",
        source.user
    );
    admin.batch_execute(&create).await.expect("a superuser may create views");
}

const ENOUGH: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_connection_is_used_again_and_also_after_a_statement_that_failed() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n\n0\n").await;
    let pools = pools();

    query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();
    let first = backends(&admin, &source).await;
    let failed = query(&pools, &source, &schema, "SELECT 1 / n AS x FROM t", ENOUGH).await;
    query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();
    pools.introspect(&source).await.unwrap();

    assert!(matches!(failed, Err(Error::Statement { .. })), "{failed:?}");
    assert_eq!(first.len(), 1);
    assert_eq!(backends(&admin, &source).await, first);
}

#[tokio::test]
async fn a_connection_carries_nothing_over_from_the_statement_before() {
    let (store, admin) = store().await;
    let (source, _) = data_set(&store, "n\n1\n").await;
    create_view(&admin, &source, "lock", "SELECT pg_try_advisory_lock(7) AS taken").await;
    let locks = "SELECT count(*) AS held FROM pg_locks
                  WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    create_view(&admin, &source, "locks", locks).await;
    let pools = pools();
    let schema = pools.introspect(&source).await.unwrap();

    let taken = query(&pools, &source, &schema, "SELECT taken FROM lock", ENOUGH).await.unwrap();
    let held = query(&pools, &source, &schema, "SELECT held FROM locks", ENOUGH).await.unwrap();

    assert_eq!((texts(&taken), texts(&held)), (vec![vec![Some("true")]], vec![vec![Some("0")]]));
    assert_eq!(backends(&admin, &source).await.len(), 1);
}

#[tokio::test]
async fn a_source_has_no_more_connections_than_it_may() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(100)).await;
    let pools = pools_of(2, ENOUGH);

    let many = (0..12).map(|_| query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH));
    let done = future::join_all(many).await;

    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert!(backends(&admin, &source).await.len() <= 2);
}

#[tokio::test]
async fn who_waits_too_long_for_a_connection_is_told_that_the_source_is_busy() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let pools = pools_of(1, ENOUGH);
    let running = {
        let (pools, source, schema) = (pools.clone(), source.clone(), schema.clone());
        tokio::spawn(async move { query(&pools, &source, &schema, SLOW, 60 * ENOUGH).await })
    };
    until_sessions_at_work(&admin, &source, 1).await;

    let started = Instant::now();
    let short = Duration::from_millis(300);
    let refused = query(&pools, &source, &schema, "SELECT n FROM t", short).await;
    assert!(matches!(refused, Err(Error::Busy)), "{refused:?}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());

    running.abort();
    let sql = "SELECT n FROM t LIMIT 1";
    query(&pools, &source, &schema, sql, ENOUGH).await.expect("its place is free again");
}

#[tokio::test]
async fn the_connection_of_a_query_that_nobody_waits_for_is_not_used_again() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let pools = pools();
    let running = {
        let (pools, source, schema) = (pools.clone(), source.clone(), schema.clone());
        tokio::spawn(async move { query(&pools, &source, &schema, SLOW, 60 * ENOUGH).await })
    };
    until_sessions_at_work(&admin, &source, 1).await;
    let abandoned = backends(&admin, &source).await;

    running.abort();
    let _ = running.await;
    let started = Instant::now();
    query(&pools, &source, &schema, "SELECT n FROM t LIMIT 1", ENOUGH).await.unwrap();

    assert!(started.elapsed() < Duration::from_millis(1_500), "{:?}", started.elapsed());
    let gone = async || {
        let left = backends(&admin, &source).await;
        (left.len() == 1 && left != abandoned).then_some(())
    };
    eventually("the end of its connection", gone).await;
}

#[tokio::test]
async fn the_connection_of_a_statement_that_took_too_long_is_closed() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let pools = pools();

    let late = query(&pools, &source, &schema, SLOW, Duration::from_millis(300)).await;

    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    let gone = async || backends(&admin, &source).await.is_empty().then_some(());
    eventually("the end of its connection", gone).await;
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed_after_a_while() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let pools = pools_of(2, Duration::from_millis(200));

    for _ in 0..2 {
        query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();

        let gone = async || backends(&admin, &source).await.is_empty().then_some(());
        eventually("the end of the idle connection", gone).await;
    }
}

#[tokio::test]
async fn a_connection_that_died_while_nobody_used_it_is_replaced() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let pools = pools();
    query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();
    let first = backends(&admin, &source).await;
    admin.execute("SELECT pg_terminate_backend($1, 5000)", &[&first[0]]).await.unwrap();

    let rows = query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();

    assert_eq!(texts(&rows), [[Some("1")]]);
    assert_ne!(backends(&admin, &source).await, first);
}

#[tokio::test]
async fn types_of_the_databases_own_can_be_read_one_after_the_other() {
    let (store, admin) = store().await;
    let (source, _) = data_set(&store, "n\n1\n").await;
    for name in ["mood", "size"] {
        let create = format!("CREATE TYPE ds_1.{name} AS ENUM ('one', 'two')");
        admin.batch_execute(&create).await.unwrap();
        let query = format!("SELECT 'one'::ds_1.{name} AS x");
        create_view(&admin, &source, &format!("v_{name}"), &query).await;
    }
    let pools = pools();
    let schema = pools.introspect(&source).await.unwrap();

    for name in ["mood", "size", "mood"] {
        let sql = format!("SELECT x FROM v_{name}");
        let rows = query(&pools, &source, &schema, &sql, ENOUGH).await.unwrap();
        assert_eq!(texts(&rows), [[Some("one")]]);
        assert_eq!(rows.columns[0].type_name, name);
    }
}

#[tokio::test]
async fn a_wrong_password_finds_no_connection_that_the_right_one_opened() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let pools = pools();
    query(&pools, &source, &schema, "SELECT n FROM t", ENOUGH).await.unwrap();

    let wrong = Source { password: "wrong".to_owned(), ..source };
    let refused = query(&pools, &wrong, &schema, "SELECT n FROM t", ENOUGH).await;

    assert!(matches!(refused, Err(Error::LoginRefused(_))), "{refused:?}");
    assert!(!format!("{pools:?}").contains("battery"));
}
