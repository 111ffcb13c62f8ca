//! Configuration, read from the environment (or flags) once at start-up.

use std::time::Duration;

use bootstrap::Connections;
use clap::Parser;

/// Executes Tertulia's runs.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    #[command(flatten)]
    pub connections: Connections,

    /// How many runs to execute at a time
    #[arg(long, env, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub worker_concurrency: u16,

    /// For how many seconds a run is a worker's without a sign of life from it
    #[arg(long, env, default_value_t = 30, value_parser = clap::value_parser!(u64).range(3..=3600))]
    pub run_lease_seconds: u64,
}

impl Config {
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.run_lease_seconds)
    }
}
