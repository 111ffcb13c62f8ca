//! The proxy that notes what is executed: everything, once, with its values; and it
//! changes nothing.

mod copies;
mod failures;

use futures::future;
use recorder::{Execution, Recorder};
use sea_orm::sqlx::{Connection as _, PgConnection};
use tokio_postgres::{Client, Config, NoTls, config::Host, types::Type};

/// A recorder in front of the test server.
async fn start() -> Recorder {
    let server = server().await;
    let [Host::Tcp(host)] = server.get_hosts() else { panic!("the server has one address") };
    let port = server.get_ports().first().copied().unwrap_or(5432);
    Recorder::start((host.as_str(), port)).await.expect("a port is free")
}

async fn server() -> Config {
    let servers = dev::test_servers().await.expect("the test servers run");
    servers.database_url.parse().expect("the server's URL is valid")
}

/// A superuser's session through it.
async fn log_in(recorder: &Recorder) -> Client {
    let server = server().await;
    let mut config = Config::new();
    config.host("127.0.0.1").port(recorder.address().port());
    config.user(server.get_user().expect("the URL has one"));
    config.password(server.get_password().expect("the URL has one"));
    config.dbname(server.get_dbname().expect("the URL has one"));
    let (client, connection) = config.connect(NoTls).await.expect("it lets clients through");
    tokio::spawn(connection);
    client
}

/// For clients that prefer TLS.
async fn url(recorder: &Recorder) -> String {
    let server = server().await;
    format!(
        "postgres://{}:{}@{}/{}?sslmode=prefer",
        server.get_user().expect("the URL has one"),
        String::from_utf8_lossy(server.get_password().expect("the URL has one")),
        recorder.address(),
        server.get_dbname().expect("the URL has one"),
    )
}

async fn take(recorder: &Recorder) -> Vec<Execution> {
    recorder.settled().await;
    recorder.take()
}

fn sql(executions: &[Execution]) -> Vec<&str> {
    executions.iter().map(|it| it.sql.as_str()).collect()
}

fn bytes(value: &recorder::Value) -> &[u8] {
    value.bytes.as_deref().expect("it is not NULL")
}

#[tokio::test]
async fn a_statement_is_noted_with_its_parameters_and_rows() {
    let recorder = start().await;
    let client = log_in(&recorder).await;

    let statement = client.prepare("SELECT $1::bigint + 1, $2::text").await.unwrap();
    client.query(&statement, &[&41_i64, &None::<&str>]).await.unwrap();
    client.query(&statement, &[&1_i64, &"one"]).await.unwrap();

    let [first, second] = &take(&recorder).await[..] else { panic!("not two executions") };
    assert_eq!(first.sql, "SELECT $1::bigint + 1, $2::text");
    assert_eq!(first.types, [Type::INT8.oid(), Type::TEXT.oid()]);
    assert_eq!(first.columns, [Type::INT8.oid(), Type::TEXT.oid()]);
    assert_eq!(bytes(&first.parameters[0]), 41_i64.to_be_bytes());
    assert!(first.parameters[0].binary);
    assert_eq!(first.parameters[1].bytes, None);
    assert_eq!(bytes(&first.rows[0][0]), 42_i64.to_be_bytes());
    assert_eq!(first.rows[0][1].bytes, None);
    assert_eq!(bytes(&second.rows[0][1]), b"one");
    assert_eq!((first.tags.clone(), first.row_count), (vec!["SELECT 1".to_owned()], 1));
    assert_eq!((first.prepared, second.prepared), (true, false));
    assert!(!first.simple && first.error.is_none());
    assert_eq!(first.user, server().await.get_user().unwrap());
    assert_eq!(first.database, server().await.get_dbname().unwrap());
}

#[tokio::test]
async fn round_trips_are_counted_with_their_bytes() {
    let recorder = start().await;
    let client = log_in(&recorder).await;

    let statement = client.prepare("SELECT 1").await.unwrap();
    client.query(&statement, &[]).await.unwrap();

    recorder.settled().await;
    let [preparing, executing] = &recorder.take_trips()[..] else { panic!("not two round trips") };
    let [execution] = &recorder.take()[..] else { panic!("not one execution") };
    assert_eq!((preparing.prepared, preparing.executed), (1, 0));
    assert_eq!((executing.prepared, executing.executed), (0, 1));
    assert_eq!(execution.trip, executing.number);
    assert_eq!((execution.sent, execution.received), (executing.sent, executing.received));
    // BindComplete, DataRow, CommandComplete, ReadyForQuery.
    assert_eq!(executing.received, 5 + (5 + 2 + 4 + 4) + (5 + 9) + 6);

    client.batch_execute("SELECT 1").await.unwrap();

    let [simple] = &take(&recorder).await[..] else { panic!("not one execution") };
    assert_eq!(simple.sent, 5 + "SELECT 1\0".len());
    // RowDescription, DataRow, CommandComplete, ReadyForQuery.
    assert_eq!(simple.received, (5 + 2 + 9 + 18) + (5 + 2 + 4 + 1) + (5 + 9) + 6);
}

#[tokio::test]
async fn pipelined_statements_keep_their_answers() {
    let recorder = start().await;
    let client = log_in(&recorder).await;
    let statement = client.prepare("SELECT $1::bigint, pg_sleep(0.01)").await.unwrap();
    take(&recorder).await;

    let numbers: Vec<i64> = (0..20).collect();
    let asked = numbers.iter().map(async |it| client.query_one(&statement, &[it]).await);
    future::try_join_all(asked).await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(executions.len(), 20);
    for (number, execution) in numbers.iter().zip(&executions) {
        assert_eq!(bytes(&execution.parameters[0]), number.to_be_bytes());
        assert_eq!(bytes(&execution.rows[0][0]), number.to_be_bytes());
    }
}

#[tokio::test]
async fn a_simple_query_of_several_statements_is_one_execution() {
    let recorder = start().await;
    let client = log_in(&recorder).await;

    client.batch_execute("BEGIN; SELECT 1 UNION SELECT 2; COMMIT").await.unwrap();

    let [execution] = &take(&recorder).await[..] else { panic!("not one execution") };
    assert!(execution.simple);
    assert_eq!(execution.tags, ["BEGIN", "SELECT 2", "COMMIT"]);
    assert_eq!(execution.row_count, 2);
    assert_eq!(bytes(&execution.rows[1][0]), b"2");
    assert!(!execution.rows[1][0].binary);
}

#[tokio::test]
async fn rows_without_number_are_counted_and_not_kept() {
    let recorder = start().await;
    let client = log_in(&recorder).await;

    let rows = client.query("SELECT repeat('x', 1000) FROM generate_series(1, 10000)", &[]);
    assert_eq!(rows.await.unwrap().len(), 10_000);

    let [execution] = &take(&recorder).await[..] else { panic!("not one execution") };
    assert_eq!((execution.row_count, execution.rows.len()), (10_000, Execution::MAX_ROWS));
    assert!(10_000 * 1000 < execution.received);
}

#[tokio::test]
async fn a_client_that_prefers_tls_goes_on_without_and_its_pings_are_seen() {
    let recorder = start().await;
    let mut connection = PgConnection::connect(&url(&recorder).await).await.unwrap();
    take(&recorder).await;
    recorder.take_trips();

    connection.ping().await.unwrap();

    recorder.settled().await;
    let [trip] = &recorder.take_trips()[..] else { panic!("not one round trip") };
    assert!(trip.is_ping());
    assert_eq!(sql(&recorder.take()), [""; 0]);
}

#[tokio::test]
async fn connections_are_told_apart() {
    let recorder = start().await;
    let (one, other) = (log_in(&recorder).await, log_in(&recorder).await);

    one.query("SELECT 1", &[]).await.unwrap();
    other.query("SELECT 2", &[]).await.unwrap();
    one.query("SELECT 3", &[]).await.unwrap();

    let executions = take(&recorder).await;
    assert_eq!(sql(&executions), ["SELECT 1", "SELECT 2", "SELECT 3"]);
    let [first, second, third] = [0, 1, 2].map(|it| executions[it].connection);
    assert_eq!(first, third);
    assert_ne!(first, second);
}
