//! Reaching a user's data: connecting, the egress rule, introspection, the SQL
//! guard, bounded execution, and the store of imported data sets.

mod connect;
pub mod dataset;
pub mod egress;
mod error;
mod execute;
pub mod guard;
mod introspect;
mod metered;
mod pool;
pub mod probe;
pub mod rows;
pub mod samples;
pub mod schema;
pub mod sealing;
mod session;
pub mod source;
mod tls;

pub use dataset::DatasetStore;
pub use egress::Egress;
pub use error::{Cause, Error, condition};
pub use execute::Limits;
pub use pool::{PoolUse, Pools, Settings};
pub use probe::Probe;
pub use rows::Rows;
pub use samples::Samples;
pub use schema::Schema;
pub use sealing::Sealer;
pub use source::Source;
pub use tls::is_readable_ca;
