//! The two databases: Tertulia's own, and the one that data sets go to.

use anyhow::{Context, bail};
use tokio_postgres::Client;
use url::Url;

use super::ways::Ways;
use crate::{servers::postgres, settings::Settings};

pub(crate) const OWN: &str = "tertulia";
pub(crate) const DATASETS: &str = "tertulia_datasets";

/// The role that both services have in the first database, which the other one owns.
pub(crate) const SERVICE_ROLE: &str = "tertulia";
pub(crate) const OWNER: &str = "tertulia_owner";
/// Owns the second database.
const DATASETS_OWNER: &str = "tertulia_datasets";
/// May log in there, and nothing else.
const DATASETS_VISITOR: &str = "tertulia_datasets_visitor";

/// Creates both databases on the embedded server, each owned by a role of its own, and closes them
/// to others.
pub(crate) async fn prepare(superuser_url: &str, settings: &Settings) -> anyhow::Result<()> {
    let server = postgres::connect(superuser_url).await?;
    for (name, password, right) in [
        (OWNER, &settings.owner_password, "NOCREATEROLE"),
        (SERVICE_ROLE, &settings.tertulia_password, "NOCREATEROLE"),
        (DATASETS_OWNER, &settings.datasets_password, "CREATEROLE"),
        (DATASETS_VISITOR, &settings.datasets_visitor_password, "NOCREATEROLE"),
    ] {
        role(&server, name, password, right).await?;
    }
    for (name, owner) in [(OWN, OWNER), (DATASETS, DATASETS_OWNER)] {
        if !exists(&server, name).await? {
            server.batch_execute(&format!("CREATE DATABASE {name} OWNER {owner}")).await?;
        }
    }
    for name in [OWN, DATASETS, "postgres", "template1"] {
        let revoke = format!("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC");
        server.batch_execute(&revoke).await?;
    }
    let visit = format!("GRANT CONNECT ON DATABASE {DATASETS} TO {DATASETS_VISITOR}");
    server.batch_execute(&visit).await?;

    let own = postgres::connect(&with_database(superuser_url, OWN)?).await?;
    // In data of an older release the services' role owned everything.
    own.batch_execute(&format!("REASSIGN OWNED BY {SERVICE_ROLE} TO {OWNER}")).await?;
    // Only a superuser may create it.
    own.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await?;
    Ok(())
}

/// The ways into the first, once it is prepared.
pub(crate) fn own(settings: &Settings, port: u16) -> Ways {
    let services = postgres::url(SERVICE_ROLE, &settings.tertulia_password, port, OWN);
    Ways {
        operator: postgres::url(OWNER, &settings.owner_password, port, OWN),
        session_service: services.clone(),
        run_worker: services,
    }
}

/// The ways into the second. A worker reads data sets with their own roles.
pub(crate) fn datasets(settings: &Settings, port: u16) -> Ways {
    let owner = postgres::url(DATASETS_OWNER, &settings.datasets_password, port, DATASETS);
    let visitor_password = &settings.datasets_visitor_password;
    Ways {
        operator: owner.clone(),
        session_service: owner,
        run_worker: postgres::url(DATASETS_VISITOR, visitor_password, port, DATASETS),
    }
}

/// The database for data sets on a server that was given: beside the given one, created if missing.
pub(crate) async fn beside(database_url: &str) -> anyhow::Result<String> {
    let name = format!("{}_datasets", database_name(database_url)?);
    create_if_missing(database_url, &name).await.with_context(|| {
        format!(
            "the database {name} for data sets could not be created beside the one in \
             DATABASE_URL; create one and set DATASET_DATABASE_URL to it"
        )
    })?;
    with_database(database_url, &name)
}

async fn create_if_missing(database_url: &str, name: &str) -> anyhow::Result<()> {
    let server = postgres::connect(database_url).await?;
    if !exists(&server, name).await? {
        eprintln!("creating the database {name} ...");
        let name = name.replace('"', "\"\"");
        server.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await?;
    }
    Ok(())
}

/// The password is set each time: it follows the settings.
async fn role(server: &Client, name: &str, password: &str, right: &str) -> anyhow::Result<()> {
    let found = server.query_opt("SELECT FROM pg_roles WHERE rolname = $1", &[&name]).await?;
    let verb = if found.is_some() { "ALTER" } else { "CREATE" };
    let statement = format!("{verb} ROLE {name} LOGIN {right} PASSWORD '{password}'");
    Ok(server.batch_execute(&statement).await?)
}

async fn exists(server: &Client, database: &str) -> anyhow::Result<bool> {
    let query = "SELECT FROM pg_database WHERE datname = $1";
    Ok(server.query_opt(query, &[&database]).await?.is_some())
}

fn database_name(url: &str) -> anyhow::Result<String> {
    let config: tokio_postgres::Config = url.parse().context("DATABASE_URL")?;
    match config.get_dbname() {
        Some(name) => Ok(name.to_owned()),
        None => bail!("DATABASE_URL names no database"),
    }
}

pub(crate) fn with_database(url: &str, name: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(url).context("DATABASE_URL")?;
    url.set_path(name);
    Ok(url.into())
}

#[cfg(test)]
mod tests;
