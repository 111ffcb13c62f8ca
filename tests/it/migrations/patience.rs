//! Migrations while others use the database.

use std::time::Duration;

use migration::indexes::{self, Index};
use sea_orm::Database;
use tokio::time;

use super::{log_in, steps_before, told};
use crate::harness::{empty_database, eventually};

/// The migrations' own.
const LOCK: i64 = 0x7465_7274_756c_6961;

#[tokio::test]
async fn a_migration_waits_until_another_has_ended() {
    let url = empty_database().await;
    let another = log_in(&url).await;
    another.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.unwrap();

    let waiting = tokio::spawn({
        let url = url.clone();
        async move { migration::up(&url).await }
    });
    let came = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'tertulia-migration'";
    let is_there = async || (told(&another, came).await == "(1)").then_some(());
    eventually("the migration's connection", is_there).await;
    let made = told(&another, "SELECT to_regclass('seaql_migrations') IS NULL").await;
    another.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.unwrap();

    waiting.await.unwrap().unwrap();
    assert_eq!(made, "(t)");
    assert_eq!(told(&another, "SELECT to_regclass('runs') IS NULL").await, "(f)");
}

#[tokio::test]
async fn a_migration_lets_others_pass_while_a_long_transaction_keeps_it_waiting() {
    let url = empty_database().await;
    migration::up(&url).await.unwrap();
    migration::down(&url, steps_before("add_run_trace")).await.unwrap();
    let (long, other) = (log_in(&url).await, log_in(&url).await);
    long.batch_execute("BEGIN; LOCK TABLE runs IN ROW EXCLUSIVE MODE").await.unwrap();

    let migrating = tokio::spawn({
        let url = url.clone();
        async move { migration::up(&url).await }
    });
    let waits =
        "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'runs'::regclass";
    eventually("the migration's wait", async || (told(&other, waits).await == "(t)").then_some(()))
        .await;
    let write = other.batch_execute("UPDATE runs SET question = '' WHERE id = 0");
    time::timeout(Duration::from_secs(10), write).await.expect("it has its turn").unwrap();
    assert!(!migrating.is_finished());
    long.batch_execute("COMMIT").await.unwrap();

    migrating.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_index_that_was_left_half_built_is_built_anew() {
    let url = empty_database().await;
    let (client, db) = (log_in(&url).await, Database::connect(&url).await.unwrap());
    client.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1)").await.unwrap();
    let index = Index { name: "t_n_key", kind: "UNIQUE INDEX", on: "ON t (n)" };
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n_key'::regclass";

    indexes::build(&db, &index).await.unwrap_err();
    assert_eq!(told(&client, valid).await, "(f)");
    client.batch_execute("DELETE FROM t").await.unwrap();
    for _ in 0..2 {
        indexes::build(&db, &index).await.unwrap();
        assert_eq!(told(&client, valid).await, "(t)");
    }
}
