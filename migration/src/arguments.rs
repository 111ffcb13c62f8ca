//! What the program is told.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Parser, Subcommand, builder::NonEmptyStringValueParser};
use database_url::Database;

/// Brings Tertulia's database schema up to date. Straight to Postgres: not through a pooler.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Arguments {
    /// The database, for example postgres://user:password@host/tertulia
    #[arg(long, env, hide_env_values = true)]
    database_url: Option<String>,
    /// A file that has it instead
    #[arg(long, env, conflicts_with = "database_url", required_unless_present = "database_url")]
    database_url_file: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Applies every migration that is not applied yet
    Up {
        /// The role that the services log in as, to be granted what they need
        #[arg(long, env, value_parser = NonEmptyStringValueParser::new())]
        service_role: Option<String>,
    },
    /// Makes a database that was restored from a backup safe to go on with, before the services
    /// are started on it
    Restored,
    /// Takes the newest migrations back
    Down {
        /// How many
        #[arg(long, default_value_t = 1)]
        steps: u32,
    },
}

impl Arguments {
    pub fn database_url(&self) -> anyhow::Result<String> {
        let url = match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => url.clone(),
            (None, Some(file)) => {
                let text = fs::read_to_string(file)
                    .with_context(|| format!("DATABASE_URL_FILE: {}", file.display()))?;
                text.trim_end().to_owned()
            }
            (None, None) => bail!("DATABASE_URL is needed"),
        };
        ensure!(!url.trim().is_empty(), "DATABASE_URL is empty");
        database_url::check(&url, Database::Conversations).context("DATABASE_URL")?;
        Ok(url)
    }
}
