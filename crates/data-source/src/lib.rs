//! Reaching a user's data: connecting, the egress rule, introspection, the SQL
//! guard, bounded execution, and the store of imported data sets.

pub mod rows;
pub mod schema;

pub use rows::Rows;
pub use schema::Schema;
