//! What there is to measure, as `cargo dev bench` has written it down.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub struct Setup {
    /// Where logs go.
    pub folder: PathBuf,
    pub postgres: Postgres,
    pub nats: Nats,
    pub session_service: Service,
    pub run_worker: Service,
    pub jwt_secret: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Postgres {
    /// The superuser's, to the database that the pair keeps its own in.
    pub url: String,
    pub pid: u32,
    /// Those that figures depend on, to be shown beside them.
    pub settings: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Nats {
    /// Of whoever may do everything.
    pub url: String,
    pub pid: u32,
}

/// One of the pair.
#[derive(Clone, Debug, Deserialize)]
pub struct Service {
    pub program: PathBuf,
    /// What it is configured with, but for where it listens and for what is lifted.
    pub env: BTreeMap<String, String>,
}

impl Setup {
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| file.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| file.display().to_string())
    }

    /// The same, on another database of the same server, for a pair apart from the first.
    pub fn beside(&self, database: &str) -> anyhow::Result<Self> {
        let mut other = self.clone();
        other.postgres.url = with_database(&self.postgres.url, database)?;
        for service in [&mut other.session_service, &mut other.run_worker] {
            let url = with_database(service.env_of("DATABASE_URL")?, database)?;
            service.env.insert("DATABASE_URL".into(), url);
            // The services' own logins may reach the subjects of one deployment only.
            service.env.insert("NATS_URL".into(), self.nats.url.clone());
            service.env.insert("NATS_PREFIX".into(), database.replace('_', ""));
        }
        Ok(other)
    }
}

impl Service {
    /// One of its variables.
    pub fn env_of(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.env.get(name);
        value.map(String::as_str).with_context(|| format!("{name} is not in the setup"))
    }

    /// Its variables, with what leads to Postgres leading there by way of another address.
    pub(crate) fn env_via(
        &self,
        via: Option<SocketAddr>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let mut env = self.env.clone();
        if let Some(address) = via {
            for name in ["DATABASE_URL", "DATASET_DATABASE_URL"] {
                env.insert(name.into(), with_address(self.env_of(name)?, address)?);
            }
        }
        Ok(env)
    }
}

/// Replaces host and port: what lies between the password and the database.
fn with_address(url: &str, address: SocketAddr) -> anyhow::Result<String> {
    let (login, database) = apart(url)?;
    Ok(format!("{login}@{address}/{database}"))
}

fn with_database(url: &str, database: &str) -> anyhow::Result<String> {
    apart(url)?;
    let (server, _) = url.rsplit_once('/').context("the URL names no database")?;
    Ok(format!("{server}/{database}"))
}

fn apart(url: &str) -> anyhow::Result<(&str, &str)> {
    let (login, rest) = url.rsplit_once('@').context("the URL names no user")?;
    let (_, database) = rest.split_once('/').context("the URL names no database")?;
    Ok((login, database))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://tertulia:secret@127.0.0.1:5432/tertulia";

    fn service() -> Service {
        let variables = [("DATABASE_URL", URL), ("DATASET_DATABASE_URL", URL), ("OTHER", "one")];
        let env = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Service { program: "program".into(), env: env.into() }
    }

    #[test]
    fn both_databases_are_reached_by_way_of_another_address() {
        let env = service().env_via(Some("127.0.0.1:99".parse().unwrap())).unwrap();

        let expected = "postgres://tertulia:secret@127.0.0.1:99/tertulia";
        assert_eq!(env["DATABASE_URL"], expected);
        assert_eq!(env["DATASET_DATABASE_URL"], expected);
        assert_eq!(env["OTHER"], "one");
    }

    #[test]
    fn without_another_address_nothing_changes() {
        assert_eq!(service().env_via(None).unwrap(), service().env);
    }

    #[test]
    fn a_missing_variable_is_named() {
        let service = Service { env: BTreeMap::new(), ..service() };

        let error = service.env_via(Some("127.0.0.1:99".parse().unwrap())).unwrap_err();

        assert_eq!(error.to_string(), "DATABASE_URL is not in the setup");
    }

    #[test]
    fn another_database_is_of_the_same_server() {
        let url = with_database(URL, "small").unwrap();

        assert_eq!(url, "postgres://tertulia:secret@127.0.0.1:5432/small");
        assert!(with_database("postgres://127.0.0.1", "small").is_err());
    }
}
