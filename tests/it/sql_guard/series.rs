//! `generate_series` in FROM, whose rows come as they are made.

use std::time::Duration;

use data_source::{Limits, guard, rows::TruncatedBy};

use super::{Database, LIMITS};

const ENDLESS: &str = "generate_series(1, 1000000000)";

#[tokio::test]
async fn the_first_rows_of_a_billion_come_at_once_and_nothing_is_written_down() {
    let database = Database::with_tables().await;
    let schema = database.only(&["store"]);
    let no_files = format!("ALTER ROLE {} SET temp_file_limit = 0; ", database.source.user);
    database.admin.batch_execute(&no_files).await.unwrap();
    // Nearly all cost too much to be counted; these seconds are for the others.
    let limits = Limits { max_rows: 500, max_cost: 1e6, timeout: Duration::from_secs(5), ..LIMITS };

    for from in [
        ENDLESS.to_owned(),
        format!("{ENDLESS} AS g"),
        format!("{ENDLESS} AS g(n) WHERE g.n > 3"),
        format!("LATERAL {ENDLESS} g"),
        format!("categories c CROSS JOIN {ENDLESS} g"),
        format!("(SELECT * FROM {ENDLESS}) s"),
        "generate_series(TIMESTAMP '2000-01-01', '100000-01-01', '1 hour')".to_owned(),
    ] {
        let query = guard::check(&format!("SELECT * FROM {from}"), &schema).unwrap();
        let rows = database.query(&schema, &query, &limits).await.expect(&from);

        assert_eq!((rows.rows.len(), rows.truncated_by), (500, Some(TruncatedBy::Rows)), "{from}");
        assert!(rows.took < Duration::from_secs(3), "{from}: {:?}", rows.took);
    }
}

#[tokio::test]
async fn a_series_is_no_scan_of_a_function() {
    let database = Database::with_tables().await;
    let sql = format!("SELECT n FROM {ENDLESS} AS g(n)");
    let query = guard::check(&sql, &database.schema).unwrap();

    let plan = async |sql: &str| {
        let rows = database.admin.query(&format!("EXPLAIN {sql}"), &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<String>()
    };

    assert!(plan(&sql).await.contains("Function Scan"));
    let streamed = plan(query.as_str()).await;
    assert!(streamed.contains("ProjectSet") && !streamed.contains("Function Scan"), "{streamed}");
}
