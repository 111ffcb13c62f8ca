//! What Tertulia's calls cost, and what the same work costs Postgres and NATS alone.

mod about;
mod bare;
mod bench;
mod beyond;
mod calls;
mod cases;
mod cli;
mod clients;
mod context;
mod cpu;
pub mod data;
mod echo;
mod embedded;
mod embedder;
mod first_event;
mod growth;
mod halted;
mod imports;
mod jetstream;
mod load;
mod measure;
mod measured;
mod nats;
mod optimized;
mod over_load;
mod pages;
pub mod pair;
mod product;
mod recorded;
pub mod replay;
mod report;
mod runs;
mod saturation;
pub mod setup;
mod soak;
mod start;
mod starts;
mod streams;
mod suite;

use clap::Parser as _;

use self::cli::{Arguments, Command};

pub async fn run() -> anyhow::Result<()> {
    let Arguments { command, options } = Arguments::parse();
    match command {
        Some(Command::Echo) => echo::serve().await,
        None => bench::bench(&options).await,
    }
}
