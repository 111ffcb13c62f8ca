//! A process that starts before what it needs waits for it, unless waiting can't help.

use bootstrap::{Connected, Connections};
use clap::Parser;
use migration::{Migrator, MigratorTrait as _};
use run_queue::Service;
use tokio::task::JoinHandle;

use crate::harness::{SEALING_KEYS, empty_database, eventually, superuser_in};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    connections: Connections,
}

/// Starts to connect, as a service does.
fn connect(database_url: &str, dataset_url: &str) -> JoinHandle<anyhow::Result<Connected>> {
    let program = Program::parse_from([
        "program",
        &format!("--database-url={database_url}"),
        &format!("--dataset-database-url={dataset_url}"),
        &format!("--sealing-keys={SEALING_KEYS}"),
    ]);
    tokio::spawn(async move { program.connections.connect(Service::RunWorker).await })
}

/// Waits until somebody is connected to the database.
async fn awaited(url: &str) {
    let admin = superuser_in("postgres").await;
    let (_, name) = url.rsplit_once('/').expect("it names a database");
    let look = format!("SELECT FROM pg_stat_activity WHERE datname = '{name}'");
    eventually("a look at the schema", async || {
        (!admin.query(&look, &[]).await.expect("a list").is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_process_waits_for_the_migrations() {
    let (url, datasets) = (empty_database().await, empty_database().await);
    let connecting = connect(&url, &datasets);
    awaited(&url).await;
    assert!(!connecting.is_finished());

    migration::up(&url).await.unwrap();

    connecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_schema_that_lacks_the_newest_migration_is_waited_for() {
    let (url, datasets) = (empty_database().await, empty_database().await);
    migration::up(&url).await.unwrap();
    migration::down(&url, 1).await.unwrap();
    let connecting = connect(&url, &datasets);
    awaited(&url).await;
    assert!(!connecting.is_finished());

    migration::up(&url).await.unwrap();

    connecting.await.unwrap().unwrap();
}

#[test]
fn the_statements_need_the_newest_migration() {
    let migrations = Migrator::migrations();
    let newest = migrations.last().expect("there are some").name().to_owned();
    assert_eq!(storage::schema::NEWEST_MIGRATION, newest);
}

#[tokio::test]
async fn a_login_that_is_refused_is_told_at_once() {
    let (url, datasets) = (empty_database().await, empty_database().await);
    let (_, server) = url.rsplit_once('@').unwrap();
    let wrong = format!("postgres://nobody:sesame@{server}");

    for (url, datasets, variable) in
        [(&wrong, &datasets, "DATABASE_URL"), (&url, &wrong, "DATASET_DATABASE_URL")]
    {
        if variable == "DATASET_DATABASE_URL" {
            migration::up(url).await.unwrap();
        }
        let error = format!("{:#}", connect(url, datasets).await.unwrap().unwrap_err());

        assert!(error.contains(&format!("connecting to {variable}")), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}
