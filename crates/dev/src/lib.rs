//! `cargo dev`: the embedded stack for development, and the servers that the tests share.

mod bench;
pub mod chaos;
mod check;
mod cli;
mod demo;
mod docs;
mod down;
mod environment;
mod folders;
pub mod fuzz;
pub mod recall;
pub mod servers;
mod settings;
mod shared;
mod stack;
mod token;
mod up;
pub mod wire;

pub use cli::run;
pub use shared::{Servers, test_servers};
pub use up::build::{Programs, services as programs};
