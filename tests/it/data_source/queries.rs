use std::time::{Duration, Instant};

use data_source::{Error, Limits, rows::TruncatedBy};

use super::{
    LIMITS, SLOW, data_set, numbers, proxy::Proxy, run, store, texts, until_sessions_at_work,
};

#[tokio::test]
async fn more_rows_than_the_limit_are_cut_and_said_to_be() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(20)).await;
    let sql = "SELECT n FROM t ORDER BY n DESC";
    let cases = [(0, Some(TruncatedBy::Rows)), (19, Some(TruncatedBy::Rows)), (20, None)];

    for (max_rows, truncated_by) in cases {
        let limits = Limits { max_rows, ..LIMITS };
        let rows = run(&source, &schema, sql, limits).await.unwrap();
        let first: Vec<String> =
            (1..=20).rev().take(max_rows as usize).map(|n| n.to_string()).collect();
        assert_eq!(rows.rows.concat().into_iter().flatten().collect::<Vec<_>>(), first);
        assert_eq!(rows.truncated_by, truncated_by);
    }
}

#[tokio::test]
async fn more_bytes_than_the_limit_are_cut() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(1_000)).await;
    let limits = Limits { max_bytes: 10_000, ..LIMITS };

    let sql = "SELECT n, repeat('x', 1000) AS x FROM t ORDER BY n";
    let rows = run(&source, &schema, sql, limits).await.unwrap();

    assert_eq!((rows.rows.len(), rows.truncated_by), (9, Some(TruncatedBy::Bytes)));
}

#[tokio::test]
async fn a_huge_value_is_never_read() {
    const HUGE: usize = 50_000_000;
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(10)).await;
    let proxy = Proxy::before(&source).await;
    let limits = Limits { max_bytes: 10_000, timeout: Duration::from_secs(600), ..LIMITS };
    let sql = format!(
        "SELECT CASE WHEN n = 3 THEN repeat('x', {HUGE}) ELSE 'short' END AS x FROM t ORDER BY n"
    );

    let rows = run(&proxy.source, &schema, &sql, limits).await.unwrap();

    assert_eq!((rows.rows.len(), rows.truncated_by), (2, Some(TruncatedBy::Bytes)));
    // What is on its way fills the sockets' buffers before nobody takes it any more.
    assert!(proxy.received() < HUGE / 2, "{} bytes were taken", proxy.received());
}

#[tokio::test]
async fn columns_of_one_name_and_a_comment_at_the_end_are_fine() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;

    let sql = "SELECT n, n, n + 1 AS n FROM t -- why";
    let rows = run(&source, &schema, sql, LIMITS).await.unwrap();

    assert_eq!(texts(&rows), [[Some("1"), Some("1"), Some("2")]]);
    let names: Vec<_> = rows.columns.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["n", "n", "n"]);
}

#[tokio::test]
async fn a_result_without_rows_still_has_its_columns() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;

    let rows = run(&source, &schema, "SELECT n FROM t WHERE n > 5", LIMITS).await.unwrap();

    assert_eq!((rows.rows.len(), rows.columns.len()), (0, 1));
}

#[tokio::test]
async fn a_failing_statement_is_answered_in_the_servers_words() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n0\n").await;

    for (sql, expected_state) in
        [("SELECT 1 / n AS x FROM t", "22012"), ("SELECT n = 'x' AS x FROM t", "22P02")]
    {
        match run(&source, &schema, sql, LIMITS).await {
            Err(Error::Statement { sqlstate, message, .. }) => {
                assert_eq!(sqlstate, expected_state, "{message}");
                assert!(!message.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped_on_both_sides() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { timeout: Duration::from_millis(500), ..LIMITS };

    let started = Instant::now();
    let result = run(&source, &schema, SLOW, limits).await;

    assert!(matches!(result, Err(Error::TimedOut)), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
    until_sessions_at_work(&admin, &source, 0).await;
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_is_cancelled_at_its_data_source() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { timeout: Duration::from_secs(600), ..LIMITS };
    let running = {
        let (source, schema) = (source.clone(), schema.clone());
        tokio::spawn(async move { run(&source, &schema, SLOW, limits).await })
    };
    until_sessions_at_work(&admin, &source, 1).await;

    running.abort();

    until_sessions_at_work(&admin, &source, 0).await;
}

#[tokio::test]
async fn a_table_that_someone_holds_locked_is_worth_another_try() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    admin.batch_execute("BEGIN; LOCK TABLE ds_1.t IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let error = run(&source, &schema, "SELECT n FROM t", LIMITS).await.unwrap_err();

    let told = "a table was locked by somebody else for longer than a statement waits";
    assert_eq!((error.to_string().as_str(), error.is_transient()), (told, true), "{error:?}");
}

#[tokio::test]
async fn a_query_whose_connection_is_cut_is_stopped_by_its_server() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { timeout: Duration::from_secs(600), ..LIMITS };
    let proxy = Proxy::before(&source).await;
    let running = {
        let (source, schema) = (proxy.source.clone(), schema.clone());
        tokio::spawn(async move { run(&source, &schema, SLOW, limits).await })
    };
    until_sessions_at_work(&admin, &source, 1).await;

    proxy.cut();

    let result = running.await.unwrap();
    assert!(matches!(result, Err(Error::Unreachable(_))), "{result:?}");
    until_sessions_at_work(&admin, &source, 0).await;
}
