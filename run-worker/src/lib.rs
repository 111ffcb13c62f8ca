//! Executes runs: question to SQL, SQL to rows, rows to an answer in the
//! conversation.

mod attempt;
mod background;
mod cancels;
pub mod config;
mod embeddings;
pub mod error;
mod execute;
pub mod metrics;
mod privacy;
mod progress;
pub mod reembed;
mod summaries;
pub mod worker;

pub use error::Error;
pub use worker::Worker;
