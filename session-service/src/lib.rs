//! The gRPC front: sessions, messages, runs, agents and data sources.

pub mod auth;
pub mod background;
pub mod config;
pub mod connections;
pub mod data_sources;
mod described;
pub mod door;
pub mod error;
mod grpc;
mod held;
pub mod limits;
pub mod metrics;
pub mod reseal;
pub mod runs;
pub mod server;
mod services;
pub mod sweep;
pub mod tls;

pub use data_sources::DataSources;
pub use error::Error;
pub use limits::Limits;
pub use runs::Runs;
