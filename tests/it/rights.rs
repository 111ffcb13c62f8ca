//! What the services may do on both servers: what they need, and nothing else.

mod database;
mod forged;
mod least;
mod nats;
mod operators;
mod pair;
mod streams;
