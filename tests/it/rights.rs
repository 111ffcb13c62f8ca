//! What the services may do on both servers: what they need, and nothing else.

mod database;
mod least;
mod nats;
mod operators;
mod pair;
