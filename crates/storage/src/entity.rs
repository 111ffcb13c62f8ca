//! SeaORM entities, one file per table.

pub mod agent;
pub mod chat_session;
pub mod data_source;
pub mod message;
pub mod message_embedding;
pub mod run;
