//! The gRPC surface. Methods here only translate: wire types in, one call, wire
//! types out. Requests are checked here, and nowhere later.

mod agents;
mod data_sources;
mod fields;
mod page_token;
mod repeatable;
mod runs;
mod sessions;
mod time;
mod user_data;

pub(crate) use agents::AgentGrpc;
pub(crate) use data_sources::DataSourceGrpc;
pub(crate) use runs::RunGrpc;
pub(crate) use sessions::SessionGrpc;
pub(crate) use user_data::UserDataGrpc;
