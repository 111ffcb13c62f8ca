//! What else there is in Postgres is refused to the services' role.

use tokio_postgres::{Client, NoTls, error::SqlState};

use super::least::{Databases, user};
use crate::harness::superuser_in;

async fn try_log_in(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn log_in(url: &str) -> Client {
    try_log_in(url).await.expect("the role may log in")
}

async fn assert_refused(client: &Client, sql: &str) {
    let error = client.batch_execute(sql).await.expect_err(sql);
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{sql}: {error:?}");
}

fn database(url: &str) -> &str {
    url.rsplit_once('/').expect("the URL ends in a database's name").1
}

#[tokio::test]
async fn the_services_change_rows_and_nothing_else() {
    let databases = Databases::create().await;
    let client = log_in(&databases.own_url).await;

    for sql in [
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE INDEX ON messages (content)",
        "DROP TABLE messages",
        "ALTER TABLE messages DISABLE TRIGGER ALL",
        "ALTER TABLE messages ADD COLUMN mine int",
        "TRUNCATE messages",
        "ALTER TABLE runs RENAME TO mine",
        "CREATE OR REPLACE FUNCTION fold_text(text) RETURNS text LANGUAGE sql RETURN $1",
        "DROP FUNCTION fold_portuguese(text)",
        "INSERT INTO seaql_migrations VALUES ('m', 1)",
        "DELETE FROM seaql_migrations",
        "CREATE ROLE mine",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY messages TO PROGRAM 'cat'",
    ] {
        assert_refused(&client, sql).await;
    }
}

#[tokio::test]
async fn neither_database_lets_in_those_who_have_no_business_there() {
    let databases = Databases::create().await;
    for (url, other) in [
        (&databases.own_url, &databases.datasets_owner_url),
        (&databases.datasets_owner_url, &databases.own_url),
        (&databases.datasets_visitor_url, &databases.own_url),
    ] {
        let url = url.replace(database(url), database(other));
        let error = try_log_in(&url).await.expect_err("it is none of theirs");
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_workers_login_in_the_data_sets_database_can_do_nothing_there() {
    let databases = Databases::create().await;
    let owner = log_in(&databases.datasets_owner_url).await;
    owner.batch_execute("CREATE SCHEMA ds_1; CREATE TABLE ds_1.t (id int)").await.unwrap();
    let client = log_in(&databases.datasets_visitor_url).await;

    for sql in [
        "SELECT FROM ds_1.t",
        "CREATE SCHEMA mine",
        "CREATE TABLE mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE ROLE mine",
    ] {
        assert_refused(&client, sql).await;
    }
}

#[tokio::test]
async fn rights_can_be_granted_again_and_again_and_tables_to_come_are_included() {
    let databases = Databases::create().await;
    let (name, role) = (database(&databases.own_url), user(&databases.own_url));
    let admin = superuser_in(name).await;
    let tables = "CREATE TABLE to_come (id int); CREATE VIEW seen AS SELECT id FROM to_come;
        CREATE TABLE parted (id int) PARTITION BY LIST (id)";
    admin.batch_execute(tables).await.unwrap();
    let client = log_in(&databases.own_url).await;
    assert_refused(&client, "SELECT FROM to_come").await;

    let servers = dev::test_servers().await.unwrap();
    let (server, _) = servers.database_url.rsplit_once('/').unwrap();
    for _ in 0..2 {
        migration::grant(&format!("{server}/{name}"), role).await.unwrap();
    }

    client.batch_execute("INSERT INTO to_come VALUES (1); DELETE FROM to_come").await.unwrap();
    client.batch_execute("SELECT FROM seen; SELECT FROM parted").await.unwrap();
    assert_refused(&client, "TRUNCATE to_come").await;
}
