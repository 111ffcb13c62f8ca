//! `cargo dev`: the embedded stack for development, and the servers that the tests share.

pub mod chaos;
mod check;
mod cli;
mod demo;
mod down;
mod environment;
mod folders;
pub mod recall;
pub mod servers;
mod settings;
mod shared;
mod stack;
mod token;
mod up;

pub use cli::run;
pub use shared::{Servers, test_servers};
