//! The servers that both services need, and the secrets to use them.

use anyhow::{Context as _, ensure};
use async_nats::{Client, ServerAddr};
use clap::Args;
use data_source::{DatasetStore, Egress, Pools, Sealer, Settings};
use database_url::Database;
use run_queue::{Names, Probe, Service};
use sources::Sources;

use crate::{
    Dependencies, Secret,
    waiting::{until_connected, until_migrated},
};

#[derive(Clone, Debug, Args)]
pub struct Connections {
    /// Tertulia's own Postgres database, as a postgres:// URL
    #[arg(long, env, hide_env_values = true)]
    pub database_url: Secret,

    /// How many connections to keep to it at most
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub database_max_connections: u32,

    /// The Postgres database that imported data sets are kept in; not the same
    #[arg(long, env, hide_env_values = true)]
    pub dataset_database_url: Secret,

    /// The NATS server, with JetStream
    #[arg(long, env, default_value = "nats://127.0.0.1:4222", hide_env_values = true)]
    pub nats_url: Secret,

    /// Keeps several deployments on one NATS server apart; letters and digits
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub nats_prefix: String,

    /// Keys that seal data sources' passwords, as ID:BASE64 of 32 bytes, with
    /// commas between; the first seals, all open
    #[arg(long, env, hide_env_values = true)]
    pub sealing_keys: Secret,

    /// Private, loopback and link-local networks in which data sources may lie,
    /// as CIDR with commas between
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub data_source_allow_cidrs: Egress,
}

/// What came of connecting.
#[derive(Debug)]
pub struct Connected {
    pub db: storage::Database,
    pub sources: Sources,
    pub nats: Client,
    pub names: Names,
    pub dependencies: Dependencies,
}

impl Connections {
    /// Checks what can't be checked value by value.
    pub fn check(&self) -> anyhow::Result<()> {
        check_database_url(&self.database_url)?;
        database_url::check(self.dataset_database_url.expose(), Database::Datasets)
            .context("DATASET_DATABASE_URL")?;
        // Its own error may show the URL.
        let nats_url = self.nats_url.expose().parse::<ServerAddr>().ok();
        nats_url.context("NATS_URL must be nats://host:port, tls://host:port or the like")?;
        ensure!(
            self.nats_prefix.chars().all(|c| c.is_ascii_alphanumeric()),
            "NATS_PREFIX has other characters than letters and digits"
        );
        sealer(&self.sealing_keys).map(drop)
    }

    /// Connects to all of them, once they are there and the database is migrated; NATS may
    /// be away for now.
    pub async fn connect(&self, service: Service) -> anyhow::Result<Connected> {
        let (db, database) = self.database().await?;
        let store = self.store(service).await?;
        let names = Names::with_prefix(&self.nats_prefix);
        let nats = run_queue::connect_as(service, self.nats_url.expose(), &names)
            .await
            .context("connecting to NATS_URL")?;
        let sources = Sources {
            db: db.clone(),
            store,
            sealer: sealer(&self.sealing_keys)?,
            pools: Pools::new(self.data_source_allow_cidrs.clone(), Settings::default()),
        };
        let dependencies = Dependencies { database, queue: Probe::new(nats.clone(), &names) };
        Ok(Connected { db, sources, nats, names, dependencies })
    }

    async fn database(&self) -> anyhow::Result<(storage::Database, storage::Probe)> {
        let url = self.database_url.expose();
        let check = || storage::check_pooling(url);
        until_connected("DATABASE_URL", check, storage::pooling::Error::is_away).await?;
        let connect = || storage::connect(url, self.database_max_connections);
        let db = until_connected("DATABASE_URL", connect, storage::Error::is_away).await?;
        until_migrated(&db).await?;
        let probe = storage::Probe::connect(url).await.context("connecting to DATABASE_URL")?;
        Ok((db, probe))
    }

    async fn store(&self, service: Service) -> anyhow::Result<DatasetStore> {
        const VARIABLE: &str = "DATASET_DATABASE_URL";
        let url = self.dataset_database_url.expose();
        let look = || storage::holds_conversations(url);
        ensure!(
            !until_connected(VARIABLE, look, storage::Error::is_away).await?,
            "DATASET_DATABASE_URL names the database that holds the conversations: agents' \
             statements must not run there"
        );
        let connect = || async move {
            match service {
                Service::SessionService => DatasetStore::connect(url).await,
                Service::RunWorker => DatasetStore::look(url).await,
            }
        };
        until_connected(VARIABLE, connect, data_source::Error::is_transient).await
    }
}

/// Refuses a `DATABASE_URL` that can't be used, without printing it.
pub fn check_database_url(url: &Secret) -> anyhow::Result<()> {
    database_url::check(url.expose(), Database::Conversations).context("DATABASE_URL")
}

/// Parses `SEALING_KEYS`; clap would print a value that it refuses.
pub fn sealer(keys: &Secret) -> anyhow::Result<Sealer> {
    keys.expose().parse().context("SEALING_KEYS")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        connections: Connections,
    }

    fn parse(extra: &[&str]) -> Result<Connections, clap::Error> {
        let required = [
            "command",
            "--database-url=postgres://a:b@localhost/one",
            "--dataset-database-url=postgres://a:b@localhost/two",
            "--sealing-keys=1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        ];
        let command = Command::try_parse_from(required.iter().chain(extra))?;
        Ok(command.connections)
    }

    #[track_caller]
    fn check_refused(extra: &str, variable: &str) {
        let error = match parse(&[extra]) {
            Ok(connections) => connections.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(variable), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        check_refused("--nats-prefix=a.b", "NATS_PREFIX");
        check_refused("--database-max-connections=0", "--database-max-connections");
        check_refused("--data-source-allow-cidrs=10.0.0.0/99", "--data-source-allow-cidrs");
    }

    #[test]
    fn a_bad_key_is_refused_without_being_printed() {
        let mut connections = parse(&[]).unwrap();
        connections.sealing_keys = "1:c2VjcmV0".parse().unwrap();

        let error = format!("{:#}", connections.check().unwrap_err());

        assert!(error.contains("SEALING_KEYS") && !error.contains("c2VjcmV0"), "{error}");
    }
}
