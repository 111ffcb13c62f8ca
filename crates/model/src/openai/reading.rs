//! Makes sense of what a model says, in the form that was asked for or in another.

mod fences;
mod json;
mod plan;
mod sql;
mod summary;

pub(super) use plan::plan;
pub(super) use summary::summary;
