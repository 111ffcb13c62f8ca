//! Tests at the system's own boundary: gRPC in, rows and answers out, against a
//! real Postgres and a real NATS.

mod agents;
mod agents_on_data;
mod architecture;
mod authentication;
mod bad_input;
mod data_source;
mod data_sources;
mod harness;
mod leases;
mod list_messages;
mod list_sessions;
mod malformed;
mod many_workers;
mod migrations;
mod ownership;
mod retries;
mod runs;
mod sessions;
mod transactions;
mod wake_ups;
