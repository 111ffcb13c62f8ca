use anyhow::Result;
use clap::{Parser, Subcommand, builder::NonEmptyStringValueParser};

/// Brings Tertulia's database schema up to date.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The database, for example postgres://user:password@host/tertulia
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
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
    match arguments.command {
        Command::Up { service_role } => up(&arguments.database_url, service_role).await,
        Command::Down { steps } => migration::down(&arguments.database_url, steps).await,
    }
}

async fn up(database_url: &str, service_role: Option<String>) -> Result<()> {
    migration::up(database_url).await?;
    match service_role {
        Some(role) => migration::grant(database_url, &role).await,
        None => Ok(()),
    }
}
