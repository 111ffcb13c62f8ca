//! Configuration, read from the environment (or flags) once at start-up.

use std::{ffi::OsString, time::Duration};

use bootstrap::{Admin, Connections, ModelSettings, Telemetry};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use storage::runs::Terms;

use crate::reembed;

/// What the program is started for.
#[derive(Clone, Debug)]
pub enum Start {
    Work(Box<Config>),
    Health(Admin),
    Reembed(reembed::Options),
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Tells, by its exit code, whether the worker on this machine is ready
    Health(Admin),
    /// Has the running workers embed all messages anew, with another model, which must be
    /// their EMBEDDING_MODEL already; can be stopped, and goes on where it was
    Reembed(reembed::Options),
}

impl Start {
    /// Reads what the program is started for; ends it if that can't be read.
    pub fn parse() -> anyhow::Result<Self> {
        let arguments = bootstrap::arguments(&Self::command())?;
        let start = Self::of(arguments).unwrap_or_else(|error| error.exit());
        start.check()?;
        Ok(start)
    }

    pub fn command() -> clap::Command {
        // The variables are the worker's, and most are not needed for anything else.
        Command::augment_subcommands(Config::command()).subcommand_negates_reqs(true)
    }

    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(arguments)?;
        if matches.subcommand().is_none() {
            return Config::from_arg_matches(&matches).map(|it| Self::Work(Box::new(it)));
        }
        Command::from_arg_matches(&matches).map(|command| match command {
            Command::Health(admin) => Self::Health(admin),
            Command::Reembed(options) => Self::Reembed(options),
        })
    }

    /// Checks what can't be checked value by value.
    pub fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Work(config) => {
                config.connections.check()?;
                config.models.check()
            }
            Self::Health(_) => Ok(()),
            Self::Reembed(options) => {
                bootstrap::check_database_url(&options.database_url)?;
                options.models.check()
            }
        }
    }
}

/// Executes Tertulia's runs.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    #[command(flatten)]
    pub admin: Admin,

    #[command(flatten)]
    pub connections: Connections,

    #[command(flatten)]
    pub models: ModelSettings,

    #[command(flatten)]
    pub telemetry: Telemetry,

    /// How many runs to execute at a time
    #[arg(long, env, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub worker_concurrency: u16,

    /// For how many seconds a run is a worker's without a sign of life from it
    #[arg(long, env, default_value_t = 30, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub run_lease_seconds: u64,

    /// For how many seconds a run may be worked on, all attempts together
    #[arg(long, env, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub run_timeout_seconds: u64,

    /// After how many seconds of a shutdown runs are handed over to other workers
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub drain_seconds: u64,
}

impl Config {
    pub fn terms(&self) -> Terms {
        Terms {
            lease: Duration::from_secs(self.run_lease_seconds),
            execution: Duration::from_secs(self.run_timeout_seconds),
        }
    }

    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}
