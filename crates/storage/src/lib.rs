//! Everything that knows SQL on our own tables: entities, queries, paging.
//!
//! Query functions are grouped by the table they answer for. The owner is an
//! argument of each that a user's request leads to: what belongs to another user is
//! not found. Those of the workers and the sweep go by a run's claim, or by what is
//! due.

pub mod agents;
pub mod background;
mod columns;
mod connection;
pub mod data_sources;
mod database;
pub mod embeddings;
pub mod entity;
pub mod error;
pub mod idempotency;
pub mod ids;
pub mod memory;
pub mod messages;
pub mod page;
pub mod pooling;
mod probe;
pub mod results;
pub mod retention;
mod rows;
pub mod runs;
pub mod schema;
pub mod search;
pub mod sessions;
pub mod summaries;
pub mod user_data;

pub use connection::{connect, holds_conversations, transaction};
pub use database::{Database, PoolUse, Transaction};
pub use error::Error;
pub use ids::{AgentId, DataSourceId, MessageId, RunId, SessionId, UserId};
pub use pooling::check_pooling;
pub use probe::Probe;
