//! Executes runs: question to SQL, SQL to rows, rows to an answer in the
//! conversation.

mod attempt;
pub mod config;
pub mod error;
mod execute;
mod sources;
pub mod worker;

pub use error::Error;
pub use sources::Sources;
pub use worker::Worker;
