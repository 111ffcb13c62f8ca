//! The options, as `cargo dev bench` passes them on.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::streams;

/// Measures Tertulia against what Postgres and NATS do on the same machine.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves messages of the size that is asked for
    #[command(hide = true)]
    Echo,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// What the servers are and how the pair is started, as `cargo dev bench` writes it
    #[arg(long, required = true)]
    pub(crate) setup: Option<PathBuf>,

    /// A tenth of the data, shorter rounds and fewer of them
    #[arg(long)]
    pub(crate) quick: bool,

    /// Write the results as JSON here
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,

    /// Write the results as pictures into this folder
    #[arg(long)]
    pub(crate) picture: Option<PathBuf>,

    /// Measure these cases only, by their names or what these begin with, with commas between
    #[arg(long, value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Have so many calls in flight in each case that is compared with the bare loop, but for runs
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) callers: Option<u16>,

    /// Measure again with ten times the users and their data
    #[arg(long)]
    pub(crate) growth: bool,

    /// Keep the pair under load for so many minutes, and see whether its memory grows
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub(crate) soak: Option<u32>,

    /// Open so many idle streams, and see what each costs
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=streams::MOST))]
    pub(crate) streams: Option<u32>,

    /// What can't be measured, though it is asked for.
    #[arg(skip)]
    left_out: Vec<&'static str>,
}

impl Options {
    /// Whether a case is asked for.
    pub(crate) fn wants(&self, case: &str) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|it| is_of(case, it));
        is_named && !self.left_out.contains(&case)
    }

    pub(crate) fn without(&self, cases: impl IntoIterator<Item = &'static str>) -> Self {
        Self { left_out: cases.into_iter().collect(), ..self.clone() }
    }
}

/// Whether a case is the one of this name, or one of several whose names begin with it.
pub(crate) fn is_of(case: &str, name: &str) -> bool {
    case.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn cases_are_asked_for_by_how_their_names_begin() {
        let options =
            Arguments::parse_from(["bench", "--setup=a", "--only=list_messages,run"]).options;

        assert!(options.wants("list_messages_20"));
        assert!(options.wants("run_16"));
        assert!(!options.wants("runs"));
        assert!(!options.wants("get_session"));
    }

    #[test]
    fn what_is_left_out_is_not_measured_though_it_is_asked_for() {
        let options = Arguments::parse_from(["bench", "--setup=a", "--only=list"]).options;

        let options = options.without(["list_messages_20"]);

        assert!(!options.wants("list_messages_20"));
        assert!(options.wants("list_messages_20_throughput"));
    }

    #[test]
    fn echoes_need_no_setup() {
        assert!(Arguments::try_parse_from(["bench", "echo"]).is_ok());
        assert!(Arguments::try_parse_from(["bench"]).is_err());
    }
}
