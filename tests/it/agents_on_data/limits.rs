use std::time::Instant;

use proto::v1 as pb;

use super::{Conversation, PENGUINS, metadata};

/// A conversation about penguins under these limits.
async fn limited(max_rows: i32, statement_timeout_ms: i32) -> Conversation {
    let limits = Some(pb::AgentLimits { max_rows, statement_timeout_ms, max_cost: 1e15 });
    let settings = pb::CreateAgentRequest { limits, ..Default::default() };
    Conversation::on_tables(&[("penguins", PENGUINS)], settings).await
}

#[tokio::test]
async fn more_rows_than_the_agent_may_read_are_cut_and_said_to_be() {
    let chat = limited(10, 0).await;

    let (run, answer) = chat.ask("SELECT year FROM penguins").await;

    assert_eq!((run.row_count, run.truncated), (10, true));
    assert_eq!(metadata(&answer), "row_count: 10, total_rows: 344, truncated: true");
    let note = answer.content.lines().last().unwrap();
    assert_eq!(note, "Showing the first 10 of 344 rows: the result was cut.");
    assert_eq!(answer.content.lines().filter(|it| it.starts_with("| 20")).count(), 10);
}

#[tokio::test]
async fn as_many_rows_as_the_agent_may_read_are_not_cut() {
    let chat = limited(344, 0).await;

    let (run, answer) = chat.ask("SELECT year FROM penguins").await;

    assert_eq!((run.row_count, run.truncated), (344, false));
    assert_eq!(metadata(&answer), "row_count: 344, total_rows: 344, truncated: false");
    assert_eq!(answer.content.lines().last().unwrap(), "Showing 50 of 344 rows.");
}

#[tokio::test]
async fn a_single_row_that_was_cut_from_more_is_not_given_as_the_answer() {
    let chat = limited(1, 0).await;

    let (cut, answer) = chat.ask("SELECT species FROM penguins ORDER BY species").await;
    let (whole, total) = chat.ask("SELECT count(*) FROM penguins").await;

    assert_eq!((cut.row_count, cut.truncated), (1, true));
    assert_ne!(answer.content, "Adelie");
    assert!(answer.content.ends_with("the result was cut."), "{}", answer.content);
    assert_eq!((whole.truncated, &*total.content), (false, "344"));
}

#[tokio::test]
async fn values_too_large_to_send_are_cut_and_said_to_be() {
    let chat = Conversation::on_penguins().await;

    let (run, answer) = chat.ask("SELECT repeat('x', 100000) FROM penguins").await;

    assert!(run.truncated && run.row_count < 344, "{} rows", run.row_count);
    assert!(answer.content.chars().count() < 20_000, "{} characters", answer.content.len());
    assert!(metadata(&answer).ends_with("truncated: true"));
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_stopped() {
    let chat = limited(0, 300).await;
    let slow = "SELECT count(*) FROM penguins a, penguins b, penguins c, penguins d
                WHERE a.year + b.year + c.year < d.year";

    let started = Instant::now();
    let (run, _) = chat.ask_and_fail(slow, "SQL_TIMED_OUT").await;

    assert!(run.sql_query.contains("penguins AS d"), "{}", run.sql_query);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    let store = chat.store().await;
    let sql = "SELECT count(*) FROM pg_stat_activity
                WHERE usename = $1 AND state = 'active'";
    let role = chat.harness.sources.store.source(chat.data_source_id, "").user;
    let left: i64 = store.query_one(sql, &[&role]).await.unwrap().get(0);
    assert_eq!(left, 0, "it goes on at the data source");
}
