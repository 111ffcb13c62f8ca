use anyhow::Result;
use clap::Parser as _;
use migration::arguments::{Arguments, Command};

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

async fn up(database_url: &str, service_role: Option<String>) -> Result<()> {
    migration::up(database_url).await?;
    match service_role {
        Some(role) => migration::grant(database_url, &role).await,
        None => Ok(()),
    }
}
