use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, builder::NonEmptyStringValueParser};

/// Brings Tertulia's database schema up to date.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The database, for example postgres://user:password@host/tertulia
    #[arg(long, env, hide_env_values = true)]
    database_url: Option<String>,
    /// A file that has it instead
    #[arg(long, env, conflicts_with = "database_url", required_unless_present = "database_url")]
    database_url_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let database_url = arguments.database_url()?;
    match arguments.command {
        Command::Up { service_role } => up(&database_url, service_role).await,
        Command::Restored => migration::restored(&database_url).await,
        Command::Down { steps } => migration::down(&database_url, steps).await,
    }
}

impl Arguments {
    fn database_url(&self) -> Result<String> {
        match (&self.database_url, &self.database_url_file) {
            (Some(url), _) => Ok(url.clone()),
            (None, Some(file)) => {
                let text = fs::read_to_string(file)
                    .with_context(|| format!("DATABASE_URL_FILE: {}", file.display()))?;
                Ok(text.trim_end().to_owned())
            }
            (None, None) => anyhow::bail!("DATABASE_URL is needed"),
        }
    }
}

async fn up(database_url: &str, service_role: Option<String>) -> Result<()> {
    migration::up(database_url).await?;
    match service_role {
        Some(role) => migration::grant(database_url, &role).await,
        None => Ok(()),
    }
}
