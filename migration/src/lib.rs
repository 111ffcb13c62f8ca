//! The schema's history, oldest first. A released migration is never edited.

use std::time::Duration;

use anyhow::Context as _;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, Statement},
};
use tokio::time;

mod concurrently;
mod m20261122_000001_create_data_sources;
mod m20261122_000002_create_agents;
mod m20261122_000003_create_chat_sessions;
mod m20261122_000004_create_runs;
mod m20261122_000005_create_messages;
mod m20261122_000006_add_run_control;
mod m20261122_000007_create_idempotency_keys;
mod m20261122_000008_add_agent_memory;
mod m20261122_000009_add_run_quotas;
mod m20261123_000011_add_retention;
mod m20261123_000012_index_retention;
mod m20261123_000013_keep_texts_out_of_statistics;
mod rights;
mod sql;

/// Any number that nobody else takes an advisory lock on.
const LOCK: i64 = 0x7465_7274_756c_6961;
/// How often one who waits for it asks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_create_data_sources::MIGRATION),
            Box::new(m20261122_000002_create_agents::MIGRATION),
            Box::new(m20261122_000003_create_chat_sessions::MIGRATION),
            Box::new(m20261122_000004_create_runs::MIGRATION),
            Box::new(m20261122_000005_create_messages::MIGRATION),
            Box::new(m20261122_000006_add_run_control::MIGRATION),
            Box::new(m20261122_000007_create_idempotency_keys::MIGRATION),
            Box::new(m20261122_000008_add_agent_memory::MIGRATION),
            Box::new(m20261122_000009_add_run_quotas::MIGRATION),
            Box::new(m20261123_000011_add_retention::MIGRATION),
            Box::new(m20261123_000012_index_retention::MIGRATION),
            Box::new(m20261123_000013_keep_texts_out_of_statistics::MIGRATION),
        ]
    }
}

/// Brings the schema up to date. Of several callers at the same time one does
/// it, and the others wait until it is done.
pub async fn up(database_url: &str) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    Migrator::up(&db, None).await.context("migrating the database")
}

/// Lets a role do what the services need, and nothing else, as far as the schema goes by
/// now. The role has to be there; what it has already, it keeps.
pub async fn grant(database_url: &str, role: &str) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    rights::grant(&db, role).await.with_context(|| format!("granting rights to {role}"))
}

/// Takes the newest `steps` migrations back.
pub async fn down(database_url: &str, steps: u32) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    Migrator::down(&db, Some(steps)).await.context("taking migrations back")
}

/// Connects and takes the lock, which lasts as long as the connection: the pool
/// has only the one, so everything done on it is done under the lock.
async fn locked(database_url: &str) -> anyhow::Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(database_url);
    options.min_connections(1).max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.context("connecting to the database")?;
    while !try_lock(&db).await? {
        time::sleep(LOOK_AGAIN).await;
    }
    Ok(db)
}

/// One who waits inside of a statement keeps its snapshot, and an index that is made
/// concurrently waits for all older ones: that would be a deadlock.
async fn try_lock(db: &DatabaseConnection) -> anyhow::Result<bool> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK})");
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    Ok(row.context("a function has a value")?.try_get_by_index(0)?)
}
