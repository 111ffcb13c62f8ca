//! The schema's history, oldest first. A released migration is never edited.

use anyhow::Context as _;
pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

pub mod arguments;
mod connection;
pub mod indexes;
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
mod m20261123_000011_add_retention;
mod m20261123_000012_index_retention;
mod m20261123_000013_keep_texts_out_of_statistics;
mod m20261123_000014_validate_retention;
mod m20261123_000015_index_run_states;
mod restored;
mod rights;
#[cfg(test)]
mod rules;
mod sql;

use self::connection::{locked, patiently};

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
            Box::new(m20261123_000011_add_retention::MIGRATION),
            Box::new(m20261123_000012_index_retention::MIGRATION),
            Box::new(m20261123_000013_keep_texts_out_of_statistics::MIGRATION),
            Box::new(m20261123_000014_validate_retention::MIGRATION),
            Box::new(m20261123_000015_index_run_states::MIGRATION),
        ]
    }
}

/// Brings the schema up to date. Of several callers at the same time one does
/// it, and the others wait until it is done.
pub async fn up(database_url: &str) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    patiently("migrating the database", || Migrator::up(&db, None)).await
}

/// Lets a role do what the services need, and nothing else, as far as the schema goes by
/// now. The role has to be there; what it has already, it keeps.
pub async fn grant(database_url: &str, role: &str) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    rights::grant(&db, role).await.with_context(|| format!("granting rights to {role}"))
}

/// Makes a database that was restored from a backup safe to go on with. Before any service is
/// started on it; again does no harm.
pub async fn restored(database_url: &str) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    restored::catch_up(&db).await.context("catching up with what was done after the backup")
}

/// Takes the newest `steps` migrations back.
pub async fn down(database_url: &str, steps: u32) -> anyhow::Result<()> {
    let db = locked(database_url).await?;
    // One by one: what is tried again must not be done twice.
    for _ in 0..steps {
        patiently("taking a migration back", || Migrator::down(&db, Some(1))).await?;
    }
    Ok(())
}
