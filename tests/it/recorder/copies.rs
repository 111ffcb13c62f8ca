//! Data that is copied in or out, whose messages come between a statement's.

use bytes::Bytes;
use futures::{SinkExt as _, TryStreamExt as _, stream};
use sea_orm::sqlx::{
    Executor as _,
    postgres::{PgPoolCopyExt as _, PgPoolOptions},
};
use tokio_postgres::Client;

use super::{log_in, sql, start, take, url};

const COPY: &str = "COPY numbers FROM STDIN";

async fn with_table(recorder: &recorder::Recorder) -> Client {
    let client = log_in(recorder).await;
    client
        .batch_execute("CREATE TEMP TABLE numbers (number int CHECK (number < 10))")
        .await
        .expect("tables may be created");
    take(recorder).await;
    client
}

async fn copy(client: &Client, lines: &[&'static str]) -> Result<u64, tokio_postgres::Error> {
    let sink = client.copy_in(COPY).await.expect("the table is there");
    futures::pin_mut!(sink);
    sink.send_all(&mut stream::iter(lines.iter().map(|it| Ok(Bytes::from_static(it.as_bytes())))))
        .await?;
    sink.finish().await
}

#[tokio::test]
async fn data_copied_in_belongs_to_its_statement() {
    let recorder = start().await;
    let client = with_table(&recorder).await;

    assert_eq!(copy(&client, &["1\n2\n", "3\n"]).await.unwrap(), 3);
    client.query("SELECT count(*) FROM numbers", &[]).await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(sql(&executions), [COPY, "SELECT count(*) FROM numbers"]);
    assert_eq!(executions[0].tags, ["COPY 3"]);
    assert_eq!(executions[1].tags, ["SELECT 1"]);
}

/// The driver closes a statement's name as soon as the data is sent, whatever comes first.
#[tokio::test]
async fn what_is_sent_behind_the_data_is_not_a_part_of_it() {
    let recorder = start().await;
    let client = with_table(&recorder).await;

    for _ in 0..50 {
        copy(&client, &["1\n"]).await.unwrap();
        client.batch_execute("SELECT 1").await.unwrap();

        let executions = take(&recorder).await;
        assert_eq!(sql(&executions), [COPY, "SELECT 1"]);
        assert_eq!([&executions[0].tags[..], &executions[1].tags[..]], [["COPY 1"], ["SELECT 1"]]);
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_leaves_the_next_statement_its_answer() {
    let recorder = start().await;
    let client = with_table(&recorder).await;

    copy(&client, &["1\n", "100\n"]).await.unwrap_err();
    drop(client.copy_in::<_, Bytes>(COPY).await.unwrap());
    client.query("SELECT count(*) FROM numbers", &[]).await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(sql(&executions), [COPY, COPY, "SELECT count(*) FROM numbers"]);
    assert_eq!(executions[0].error.as_deref(), Some("23514"));
    assert_eq!(executions[1].error.as_deref(), Some("57014"));
    assert_eq!(executions[2].tags, ["SELECT 1"]);
}

#[tokio::test]
async fn data_copied_out_is_counted() {
    let recorder = start().await;
    let client = with_table(&recorder).await;
    copy(&client, &["1\n", "2\n"]).await.unwrap();
    take(&recorder).await;

    let lines = client.copy_out("COPY numbers TO STDOUT").await.unwrap();
    let lines: Vec<Bytes> = lines.try_collect().await.unwrap();
    client.query("SELECT 1", &[]).await.unwrap();

    assert_eq!(lines.concat(), b"1\n2\n");
    let executions = take(&recorder).await;
    assert_eq!(sql(&executions), ["COPY numbers TO STDOUT", "SELECT 1"]);
    assert_eq!(executions[0].tags, ["COPY 2"]);
    assert_eq!(executions[1].tags, ["SELECT 1"]);
}

#[tokio::test]
async fn a_simple_query_may_ask_for_data_too() {
    let recorder = start().await;
    // The table is one connection's.
    let url = url(&recorder).await;
    let pool = PgPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    pool.execute("CREATE TEMP TABLE numbers (number int)").await.unwrap();
    take(&recorder).await;

    let mut copy = pool.copy_in_raw(COPY).await.unwrap();
    copy.send(&b"1\n2\n"[..]).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 2);
    pool.copy_in_raw(COPY).await.unwrap().abort("not wanted").await.unwrap();
    pool.execute("SELECT 1").await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(sql(&executions), [COPY, COPY, "SELECT 1"]);
    assert!(executions[0].simple && executions[1].simple);
    assert_eq!(executions[0].tags, ["COPY 2"]);
    assert_eq!(executions[1].error.as_deref(), Some("57014"));
    assert_eq!(executions[2].tags, ["SELECT 1"]);
}
