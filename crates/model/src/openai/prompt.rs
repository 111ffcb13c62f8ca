//! What a model is told: as much as its context has room for, the most useful first.
//!
//! All that comes from a data source, or from an earlier answer, is fenced as data.

mod answer;
pub(super) mod budget;
mod fence;
mod interest;
mod plan;
mod rules;
mod schema;
mod slice;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod turns;

pub(super) use answer::answer;
pub(super) use fence::Fence;
pub(super) use plan::plan;
pub(super) use summary::summary;

use super::request::{Message, Role};

/// A section with a heading; nothing if there is nothing in it.
fn section(heading: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("{heading}\n{content}\n\n") }
}

fn message(role: Role, content: impl AsRef<str>) -> Message {
    Message { role, content: content.as_ref().trim_end().to_owned() }
}
