use anyhow::Result;
use clap::{Parser, Subcommand};

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
    Up,
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
        Command::Up => migration::up(&arguments.database_url).await,
        Command::Down { steps } => migration::down(&arguments.database_url, steps).await,
    }
}
