use std::time::{Duration, Instant};

use data_source::{Error, Limits, rows::TruncatedBy};

use super::{LIMITS, SLOW, data_set, numbers, run, store, texts, until_sessions_at_work};

#[tokio::test]
async fn more_rows_than_the_limit_are_cut_and_said_to_be() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(20)).await;
    for (max_rows, expected, truncated_by) in
        [(0, 0, Some(TruncatedBy::Rows)), (19, 19, Some(TruncatedBy::Rows)), (20, 20, None)]
    {
        let limits = Limits { max_rows, ..LIMITS };
        let rows = run(&source, &schema, "SELECT n FROM t ORDER BY n DESC", limits).await.unwrap();
        assert_eq!((rows.rows.len(), rows.truncated_by), (expected, truncated_by));
        assert!(
            rows.rows.iter().map(|row| row[0].as_deref()).eq((21 - expected..=20)
                .rev()
                .map(|n| n.to_string())
                .collect::<Vec<_>>()
                .iter()
                .map(|n| Some(n.as_str())))
        );
    }
}

#[tokio::test]
async fn more_bytes_than_the_limit_are_cut_and_never_read() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(1_000)).await;
    let limits = Limits { max_bytes: 10_000, ..LIMITS };

    let sql = "SELECT n, repeat('x', 1000) AS x FROM t ORDER BY n";
    let rows = run(&source, &schema, sql, limits).await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated_by), (9, Some(TruncatedBy::Bytes)));

    let sql = "SELECT CASE WHEN n = 3 THEN repeat('x', 200000000) ELSE 'short' END AS x FROM t ORDER BY n";
    let started = Instant::now();
    let rows = run(&source, &schema, sql, limits).await.unwrap();
    assert_eq!((rows.rows.len(), rows.truncated_by), (2, Some(TruncatedBy::Bytes)));
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn duplicate_names_empty_results_and_many_columns_are_fine() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;

    let rows =
        run(&source, &schema, "SELECT n, n, n + 1 AS n FROM t -- why", LIMITS).await.unwrap();
    assert_eq!(texts(&rows), [[Some("1"), Some("1"), Some("2")]]);
    let names: Vec<_> = rows.columns.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["n", "n", "n"]);

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
            Err(Error::Statement { sqlstate, message }) => {
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
async fn a_table_that_someone_holds_locked_gives_a_timeout() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    admin.batch_execute("BEGIN; LOCK TABLE ds_1.t IN ACCESS EXCLUSIVE MODE").await.unwrap();

    let result = run(&source, &schema, "SELECT n FROM t", LIMITS).await;

    assert!(matches!(result, Err(Error::TimedOut)), "{result:?}");
}
