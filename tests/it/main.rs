//! Tests at the system's own boundary: gRPC in, rows and answers out, against a
//! real Postgres and a real NATS.

mod agents;
mod agents_on_data;
mod architecture;
mod authentication;
mod bad_input;
mod cancel;
mod concurrency;
mod data_source;
mod data_sources;
mod deadlines;
mod drain;
mod harness;
mod idempotency;
mod leases;
mod list_messages;
mod list_sessions;
mod locks;
mod malformed;
mod many_workers;
mod migrations;
mod ownership;
mod retries;
mod run_queue;
mod runs;
mod service_drain;
mod sessions;
mod sweep;
mod transactions;
mod wake_ups;
mod watch;
