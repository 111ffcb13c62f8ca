//! What goes wrong is noted as that, and nothing after it is taken for something else.

use std::time::Duration;

use tokio::time;
use tokio_postgres::{NoTls, error::SqlState};

use super::{bytes, log_in, sql, start, take};

#[tokio::test]
async fn a_statement_that_fails_is_noted_with_its_code() {
    let recorder = start().await;
    let client = log_in(&recorder).await;
    let divide = client.prepare("SELECT 1 / $1::int").await.unwrap();

    client.query(&divide, &[&0_i32]).await.unwrap_err();
    client.query("SELECT nothing", &[]).await.unwrap_err();
    client.batch_execute("SELECT 1; SELECT 1/0; SELECT 2").await.unwrap_err();
    client.query(&divide, &[&1_i32]).await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(
        sql(&executions),
        ["SELECT 1 / $1::int", "SELECT 1; SELECT 1/0; SELECT 2", "SELECT 1 / $1::int"],
        "what could not be parsed was not executed"
    );
    let divided = Some(SqlState::DIVISION_BY_ZERO.code().to_owned());
    assert_eq!(executions[0].error, divided);
    assert_eq!(executions[0].tags, [""; 0]);
    assert_eq!(executions[1].error, divided);
    assert_eq!(executions[1].tags, ["SELECT 1"]);
    assert_eq!(executions[2].error, None);
    assert_eq!(bytes(&executions[2].rows[0][0]), 1_i32.to_be_bytes());
}

#[tokio::test]
async fn a_request_to_cancel_gets_through() {
    let recorder = start().await;
    let client = log_in(&recorder).await;
    let cancel = client.cancel_token();

    let asked = async { client.query("SELECT pg_sleep(600)", &[]).await };
    let cancelled = async {
        // Until the statement has begun, there is nothing to cancel.
        let mut every = time::interval(Duration::from_millis(50));
        loop {
            every.tick().await;
            cancel.cancel_query(NoTls).await.unwrap();
        }
    };
    let error = tokio::select! { asked = asked => asked.unwrap_err(), () = cancelled => return };

    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
}

#[tokio::test]
async fn a_statement_whose_connection_ends_is_noted_without_an_answer() {
    let recorder = start().await;
    let (client, other) = (log_in(&recorder).await, log_in(&recorder).await);
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let sleep = client.prepare("SELECT pg_sleep(600)").await.unwrap();

    let killed = async { other.query("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap() };
    let (slept, _) = tokio::join!(client.query(&sleep, &[]), killed);
    slept.unwrap_err();

    let executions = take(&recorder).await;
    let slept = executions.iter().find(|it| it.sql == "SELECT pg_sleep(600)");
    let slept = slept.expect("it was begun");
    assert_eq!(slept.tags, [""; 0]);
}

#[tokio::test]
async fn its_connections_end_with_it() {
    let recorder = start().await;
    let client = log_in(&recorder).await;
    client.query("SELECT 1", &[]).await.unwrap();

    drop(recorder);

    let error = client.query("SELECT pg_sleep(600)", &[]).await.unwrap_err();
    assert!(error.is_closed(), "{error}");
}
