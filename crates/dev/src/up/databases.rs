//! The two databases: Tertulia's own, and the one that data sets go to.

use anyhow::{Context, bail};
use tokio_postgres::Client;
use url::Url;

use crate::{servers::postgres, settings::Settings};

pub(crate) const OWN: &str = "tertulia";
pub(crate) const DATASETS: &str = "tertulia_datasets";

/// Creates both databases on the embedded server, each owned by a role of its own, and closes them
/// to others. Returns their URLs.
pub(crate) async fn prepare(
    superuser_url: &str,
    settings: &Settings,
) -> anyhow::Result<(String, String)> {
    let server = postgres::connect(superuser_url).await?;
    role(&server, OWN, &settings.tertulia_password, "NOCREATEROLE").await?;
    role(&server, DATASETS, &settings.datasets_password, "CREATEROLE").await?;
    for name in [OWN, DATASETS] {
        if !exists(&server, name).await? {
            server.batch_execute(&format!("CREATE DATABASE {name} OWNER {name}")).await?;
        }
    }
    for name in [OWN, DATASETS, "postgres", "template1"] {
        let revoke = format!("REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC");
        server.batch_execute(&revoke).await?;
    }
    // Only a superuser may create it.
    let own = postgres::connect(&with_database(superuser_url, OWN)?).await?;
    own.batch_execute("CREATE EXTENSION IF NOT EXISTS vector").await?;

    let port = settings.postgres_port.context("the embedded Postgres has no port")?;
    let url = |name, password| postgres::url(name, password, port, name);
    Ok((url(OWN, &settings.tertulia_password), url(DATASETS, &settings.datasets_password)))
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
mod tests {
    use super::*;

    #[test]
    fn the_other_database_keeps_server_credentials_and_options() {
        let url = "postgres://me:secret@db.example:5433/chats?sslmode=disable";

        assert_eq!(database_name(url).unwrap(), "chats");
        assert_eq!(
            with_database(url, "chats_datasets").unwrap(),
            "postgres://me:secret@db.example:5433/chats_datasets?sslmode=disable"
        );
    }

    #[test]
    fn a_url_without_a_database_is_refused() {
        assert!(database_name("postgres://me@db.example").is_err());
    }
}
