//! Configuration, read from the environment (or flags) once at start-up.

use std::time::Duration;

use bootstrap::{Connections, ModelSettings, Telemetry};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use storage::runs::Terms;

use crate::reembed;

/// What the program is started for.
#[derive(Clone, Debug)]
pub enum Start {
    Work(Box<Config>),
    Reembed(reembed::Options),
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Has the running workers embed all messages anew, with another model, which must be
    /// their EMBEDDING_MODEL already; can be stopped, and goes on where it was
    Reembed(reembed::Options),
}

impl Start {
    /// Reads what the program is started for; ends it if that can't be read.
    pub fn parse() -> anyhow::Result<Self> {
        let command = Command::augment_subcommands(Config::command());
        let arguments = bootstrap::arguments(&command)?;
        // The variables are the worker's, and most are not needed for anything else.
        let matches = command.subcommand_negates_reqs(true).get_matches_from(arguments);
        let start = match matches.subcommand() {
            Some(_) => Command::from_arg_matches(&matches)
                .map(|Command::Reembed(options)| Self::Reembed(options)),
            None => Config::from_arg_matches(&matches).map(|it| Self::Work(Box::new(it))),
        };
        Ok(start.unwrap_or_else(|error| error.exit()))
    }
}

/// Executes Tertulia's runs.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_named_like_its_flag_and_is_in_the_readme() {
        let readme = include_str!("../../README.md");
        for argument in Config::command().get_arguments() {
            let flag = argument.get_long().unwrap_or_default().to_uppercase().replace('-', "_");
            let variable = argument.get_env().map(|it| it.to_string_lossy().into_owned());
            assert_eq!(variable, Some(flag.clone()));
            assert!(readme.contains(&format!("`{flag}`")), "{flag}");
        }
    }
}
