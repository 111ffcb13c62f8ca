use std::time::{Duration, Instant};

use data_source::{Error, Limits};

use super::{LIMITS, data_set, numbers, run, store};

const CEILING: Limits = Limits { max_cost: 10_000_000.0, ..LIMITS };

#[tokio::test]
async fn a_statement_that_the_planner_finds_too_expensive_is_not_executed() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(2_000)).await;

    for sql in [
        "SELECT count(*) FROM generate_series(1, 1000000000) AS g",
        "SELECT * FROM unnest(ARRAY(SELECT n FROM generate_series(1, 9000000000) AS g(n)))",
        "SELECT a.n FROM t AS a, t AS b, t AS c ORDER BY a.n + b.n + c.n",
    ] {
        let started = Instant::now();
        match run(&source, &schema, sql, CEILING).await {
            Err(Error::TooExpensive { cost, max }) => {
                assert!(max < cost && max == CEILING.max_cost, "{sql}: {cost}");
            }
            other => panic!("{sql}: {other:?}"),
        }
        assert!(started.elapsed() < Duration::from_secs(2), "{sql}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_function_whose_rows_would_fill_the_disk_is_not_executed_at_any_price() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let series = "generate_series(1, 1000000000)";

    for sql in [
        format!("SELECT * FROM {series} WITH ORDINALITY"),
        format!("SELECT * FROM {series} WITH ORDINALITY AS g(n, o) WHERE g.o = 7"),
        format!("SELECT g FROM {series} AS g(n)"),
        format!("SELECT n FROM t WHERE EXISTS (SELECT g FROM {series} AS g(m) WHERE g.m < n)"),
    ] {
        let refused = run(&source, &schema, &sql, LIMITS).await;
        assert!(matches!(refused, Err(Error::TooExpensive { .. })), "{sql}: {refused:?}");
    }
    let few = "SELECT o FROM generate_series(1, 1000000) WITH ORDINALITY AS g(n, o)";
    let rows = run(&source, &schema, few, LIMITS).await.unwrap();
    assert_eq!(rows.total_rows, Some(1_000_000));
}

#[tokio::test]
async fn a_functions_dear_arguments_are_none_of_its_rows() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(2_000)).await;
    let pairs = "SELECT a.n FROM t AS a, t AS b WHERE a.n + b.n < c.n + 3";

    let four = [pairs; 4].join(" UNION ALL ");
    let function = format!("unnest(ARRAY({four})) WITH ORDINALITY AS g(n, o)");
    let sql = format!("SELECT g.n FROM t AS c, {function} WHERE c.n = 1");
    let rows = run(&source, &schema, &sql, LIMITS).await.unwrap();

    assert_eq!(rows.rows.len(), 12);
}

#[tokio::test]
async fn a_few_rows_of_many_are_cheap() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, &numbers(2_000)).await;

    let sql = "SELECT a.n FROM t AS a, t AS b, t AS c";
    let rows = run(&source, &schema, sql, CEILING).await.unwrap();

    assert_eq!((rows.rows.len(), rows.total_rows), (1_000, None));
}

#[tokio::test]
async fn an_error_points_at_its_word() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n,é\n1,a\n").await;

    for (sql, word) in [
        ("SELECT é, nope FROM t", "nope"),
        ("SELECT 'é' || n, n = 'x' FROM t", "'x'"),
        ("SELECT sum(n) OVER () FROM t GROUP BY é", "n)"),
        ("SELECT count(n, n) FROM t", "count("),
    ] {
        let statement = data_source::guard::check(sql, &schema).unwrap();
        let error = run(&source, &schema, sql, LIMITS).await.unwrap_err();
        let Error::Statement { position: Some(position), .. } = error else {
            panic!("{sql}: {error:?}")
        };
        let at: String = statement.as_str().chars().skip(position as usize - 1).collect();
        assert!(at.starts_with(word), "{sql}: {at}");
    }
}

#[tokio::test]
async fn an_error_of_a_row_points_nowhere() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n0\n").await;

    let error = run(&source, &schema, "SELECT 1 / n AS x FROM t", LIMITS).await.unwrap_err();

    assert!(matches!(error, Error::Statement { position: None, .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_not_there_any_more_makes_the_schema_look_outdated() {
    let (store, admin) = store().await;
    let (source, schema) = data_set(&store, "n,x\n1,a\n").await;
    admin.batch_execute("ALTER TABLE ds_1.t RENAME x TO y").await.unwrap();

    let no_column = run(&source, &schema, "SELECT x FROM t", LIMITS).await.unwrap_err();
    admin.batch_execute("ALTER TABLE ds_1.t RENAME TO u").await.unwrap();
    let no_table = run(&source, &schema, "SELECT n FROM t", LIMITS).await.unwrap_err();

    assert!(no_column.is_schema_outdated(), "{no_column:?}");
    assert!(no_table.is_schema_outdated(), "{no_table:?}");
}

#[tokio::test]
async fn a_plan_that_nests_deep_is_weighed_as_any_other() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "n\n1\n").await;
    let sql = vec!["SELECT n FROM t"; 200].join(" EXCEPT ALL ");

    let rows = run(&source, &schema, &sql, CEILING).await.unwrap();
    let dear = run(&source, &schema, &sql, Limits { max_cost: 1.0, ..LIMITS }).await;

    assert_eq!(rows.rows.len(), 0);
    assert!(matches!(dear, Err(Error::TooExpensive { .. })), "{dear:?}");
}

#[tokio::test]
async fn a_plan_with_a_huge_constant_is_refused_and_not_read() {
    let (store, _) = store().await;
    let (source, schema) = data_set(&store, "x\na\n").await;

    let sql = "SELECT x FROM t WHERE x = repeat('x', 50000000)";
    let error = run(&source, &schema, sql, LIMITS).await.unwrap_err();

    assert!(!error.is_transient(), "{error:?}");
    assert!(matches!(error, Error::Statement { .. }), "{error:?}");
}
