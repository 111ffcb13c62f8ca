//! `cargo dev`: the embedded stack for development, and the servers that the tests share.

mod environment;
mod folders;
pub mod servers;
mod shared;

pub use shared::{Servers, test_servers};
