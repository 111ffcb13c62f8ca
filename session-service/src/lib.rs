//! The gRPC front: sessions, messages, runs, agents and data sources.

pub mod auth;
pub mod background;
mod canonical;
pub mod config;
pub mod data_sources;
pub mod error;
mod grpc;
pub mod limits;
pub mod runs;
pub mod server;
pub mod sweep;

pub use data_sources::DataSources;
pub use error::Error;
pub use limits::PageLimits;
pub use runs::Runs;
