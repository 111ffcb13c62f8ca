//! Executes runs: question to SQL, SQL to rows, rows to an answer in the
//! conversation.

mod attempt;
mod cancels;
pub mod config;
pub mod error;
mod execute;
mod progress;
pub mod worker;

pub use error::Error;
pub use worker::Worker;
