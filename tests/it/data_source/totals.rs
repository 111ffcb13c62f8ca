use std::time::{Duration, Instant};

use data_source::{Limits, rows::TruncatedBy};

use super::{LIMITS, backends, data_set, numbers, pools, proxy::Proxy, run, store};

#[tokio::test]
async fn rows_that_were_cut_are_counted_all_the_same() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let wide = "SELECT n, repeat('x', 1000) AS x FROM t";
    let cases = [
        ("SELECT n FROM t", LIMITS.max_bytes, 500, Some(TruncatedBy::Rows), 5_000),
        (
            "SELECT n FROM t ORDER BY n LIMIT 700",
            LIMITS.max_bytes,
            500,
            Some(TruncatedBy::Rows),
            700,
        ),
        ("SELECT n FROM t LIMIT 500", LIMITS.max_bytes, 500, None, 500),
        ("SELECT n FROM t WHERE n < 0", LIMITS.max_bytes, 500, None, 0),
        (wide, 100_000, 10_000, Some(TruncatedBy::Bytes), 5_000),
    ];

    for (sql, max_bytes, max_rows, truncated_by, total_rows) in cases {
        let limits = Limits { max_rows, max_bytes, max_cost: 1e7, ..LIMITS };
        let rows = run(&source, &schema, sql, limits).await.unwrap();
        assert_eq!((rows.truncated_by, rows.total_rows), (truncated_by, Some(total_rows)), "{sql}");
    }
}

#[tokio::test]
async fn a_count_that_would_cost_too_much_is_left_out() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { max_rows: 10, max_cost: 50.0, ..LIMITS };

    let rows = run(&source, &schema, "SELECT n FROM t", limits).await.unwrap();

    assert_eq!((rows.rows.len(), rows.total_rows), (10, None));
}

#[tokio::test]
async fn a_count_that_takes_too_long_leaves_the_rows_as_they_are() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { max_rows: 10, timeout: Duration::from_secs(1), ..LIMITS };
    let sql = "SELECT a.n FROM t AS a, t AS b, t AS c";

    let started = Instant::now();
    let pools = pools();
    let query = data_source::guard::check(sql, &schema).unwrap();
    let rows = pools.query(&source, &schema, &query, &limits).await.unwrap();

    assert_eq!((rows.rows.len(), rows.total_rows), (10, None));
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    super::until_sessions_at_work(&admin, &source, 0).await;
    let gone = async || backends(&admin, &source).await.is_empty().then_some(());
    crate::harness::eventually("the end of the connection that counted", gone).await;
}

#[tokio::test]
async fn a_million_wide_rows_are_read_no_further_than_the_bytes_allow() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let limits = Limits { max_rows: 10_000, max_bytes: 1 << 20, ..LIMITS };
    let sql = "SELECT repeat('x', 1000) || g.i AS x FROM generate_series(1, 1000000) AS g(i)";
    let proxy = Proxy::before(&source).await;

    let rows = run(&proxy.source, &schema, sql, limits).await.unwrap();

    assert_eq!(rows.truncated_by, Some(TruncatedBy::Bytes));
    let kept: usize = rows.rows.iter().flatten().flatten().map(String::len).sum();
    assert!((900_000..=1 << 20).contains(&kept), "{kept}");
    assert_eq!(rows.total_rows, Some(1_000_000));
    // What is read ahead, and what fits into the sockets' buffers besides.
    assert!(proxy.received() < 20 << 20, "{}", proxy.received());
}

#[tokio::test]
async fn a_count_has_seconds_however_long_the_statement_may_take() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(5_000)).await;
    let limits = Limits { max_rows: 10, timeout: Duration::from_secs(60), ..LIMITS };

    let started = Instant::now();
    let sql = "SELECT a.n FROM t AS a, t AS b, t AS c";
    let rows = run(&source, &schema, sql, limits).await.unwrap();

    assert_eq!((rows.rows.len(), rows.total_rows), (10, None));
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    assert!(rows.took < Duration::from_secs(3), "{:?}", rows.took);
}
