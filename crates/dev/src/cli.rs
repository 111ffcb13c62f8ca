//! The command line. What a command is asked for goes to standard output, the rest to standard
//! error.

use clap::{Parser, Subcommand};

use crate::{
    bench,
    chaos::{self, drill},
    check, docs, down, fuzz, recall, token, up,
};

/// Runs Tertulia on this machine, with a Postgres and a NATS server of its own.
#[derive(Debug, Parser)]
#[command(name = "cargo dev", bin_name = "cargo dev")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build and start everything, ask a first question, and serve until Ctrl-C
    Up(up::Options),
    /// Stop what `up --detach` left running
    Down,
    /// Break things under load, and see whether anything is lost, doubled, mixed or stuck
    Chaos(chaos::Options),
    /// Do to a deployment under load what operators do, and see whether anything is lost
    Drill(drill::Options),
    /// Run a suite that needs more than Rust, against a stack of its own
    Check(check::Options),
    /// Send random and hostile requests, and see whether each is answered as it should be
    Fuzz(fuzz::Options),
    /// Measure what a search by meaning finds among many messages, and how fast
    Recall(recall::Options),
    /// Measure the pair beside bare Postgres and NATS: where the time goes, and what grows
    Bench(bench::Options),
    /// Write docs/api.md and docs/errors.md anew, from the protos and from the code
    Docs,
    /// Print a token for the running stack
    Token(token::Options),
}

pub async fn run() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Up(options) => up::up(&options).await,
        Command::Down => down::down().await,
        Command::Chaos(options) => chaos::chaos(&options).await,
        Command::Drill(options) => drill::drill(&options).await,
        Command::Check(options) => check::check(&options).await,
        Command::Fuzz(options) => fuzz::fuzz(&options).await,
        Command::Recall(options) => recall::recall(&options).await,
        Command::Bench(options) => bench::bench(&options).await,
        Command::Docs => docs::write(),
        Command::Token(options) => {
            print(&token::issue(&options)?);
            Ok(())
        }
    }
}

#[expect(clippy::print_stdout, reason = "the answer to the command")]
pub(crate) fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_token_is_for_a_positive_user_id() {
        assert!(Arguments::try_parse_from(["dev", "token", "--user", "7"]).is_ok());
        assert!(Arguments::try_parse_from(["dev", "token", "--user", "0"]).is_err());
        assert!(Arguments::try_parse_from(["dev", "token"]).is_err());
    }
}
