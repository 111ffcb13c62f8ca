//! What an event says, as the fields of its line.

use std::{error::Error, fmt};

use serde_json::Value;
use tracing::field::{Field, Visit};

/// What a line has besides its fields, when it came through the crate `log`.
const OF_LOG: &str = "log.";

/// The fields of a line, in their order, each once: `run.id` is called `run_id` there.
#[derive(Debug, Default)]
pub(super) struct Fields(pub(super) Vec<(String, Value)>);

impl Fields {
    /// Adds what is not there yet.
    pub(super) fn add(&mut self, name: &str, value: &Value) {
        if !self.0.iter().any(|(it, _)| it == name) {
            self.0.push((name.to_owned(), value.clone()));
        }
    }

    fn set(&mut self, field: &Field, value: Value) {
        if field.name().starts_with(OF_LOG) {
            return;
        }
        let name = field.name().replace('.', "_");
        match self.0.iter_mut().find(|(it, _)| *it == name) {
            Some((_, before)) => *before = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, crate::report(value).to_string().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }
}
