//! Tests at the system's own boundary: gRPC in, rows and answers out, against a
//! real Postgres and a real NATS.

mod data_source;
mod harness;
mod runs;
