//! The schema's history, oldest first. A released migration is never edited.

use anyhow::Context as _;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectOptions, Database, DatabaseConnection},
};

mod m20261122_000001_create_data_sources;
mod m20261122_000002_create_agents;
mod m20261122_000003_create_chat_sessions;
mod m20261122_000004_create_runs;
mod m20261122_000005_create_messages;
mod m20261122_000006_add_run_control;
mod m20261122_000007_create_idempotency_keys;
mod m20261122_000008_add_agent_memory;
mod m20261122_000009_add_run_quotas;
mod m20261123_000010_add_run_trace;
mod rights;
mod sql;

/// Any number that nobody else takes an advisory lock on.
const LOCK: i64 = 0x7465_7274_756c_6961;

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
            Box::new(m20261123_000010_add_run_trace::MIGRATION),
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
    db.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await?;
    Ok(db)
}
