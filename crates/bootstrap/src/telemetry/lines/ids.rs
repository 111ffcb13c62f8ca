//! The ids of spans, for the lines in them.

use std::fmt;

use serde_json::Value;
use tracing::{
    Metadata,
    field::{Field, Visit},
};

/// What a span adds to the lines in it; all else that it says is for traces.
#[derive(Debug, Default)]
pub(super) struct Ids(Vec<(&'static str, Value)>);

/// What an id is called in a line, by its name in a span.
fn name(field: &Field) -> Option<&'static str> {
    match field.name() {
        "request_id" => Some("request_id"),
        "trace_id" => Some("trace_id"),
        "user.id" => Some("user_id"),
        "session.id" => Some("session_id"),
        "run.id" => Some("run_id"),
        "attempt" => Some("attempt"),
        "fence" => Some("fence"),
        _ => None,
    }
}

/// Whether spans of this kind have any.
pub(in crate::telemetry) fn are_in(metadata: &Metadata<'_>) -> bool {
    metadata.fields().iter().any(|it| name(&it).is_some())
}

impl Ids {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn set(&mut self, field: &Field, value: impl FnOnce() -> Value) {
        let Some(name) = name(field) else { return };
        match self.0.iter_mut().find(|(it, _)| *it == name) {
            Some((_, before)) => *before = value(),
            None => self.0.push((name, value())),
        }
    }
}

impl Visit for Ids {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, || value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, || value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, || format!("{value:?}").into());
    }
}
