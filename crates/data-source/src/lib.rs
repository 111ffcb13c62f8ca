//! Reaching a user's data: connecting, the egress rule, introspection, the SQL
//! guard, bounded execution, and the store of imported data sets.

mod connect;
pub mod dataset;
pub mod egress;
mod error;
pub mod execute;
pub mod guard;
pub mod introspect;
mod metered;
pub mod rows;
pub mod schema;
pub mod sealing;
mod session;
pub mod source;
mod tls;

pub use dataset::DatasetStore;
pub use egress::Egress;
pub use error::{Cause, Error};
pub use execute::{Limits, query};
pub use introspect::introspect;
pub use rows::Rows;
pub use schema::Schema;
pub use sealing::Sealer;
pub use source::Source;
pub use tls::is_readable_ca;
