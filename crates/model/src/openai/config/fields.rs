//! The fields of one provider, taken one by one until none is left.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::{ConfigError, field};
use crate::Models;

pub(super) struct Fields {
    provider: String,
    fields: Map<String, Value>,
}

impl Fields {
    /// Until it has a name, the provider is called by its place.
    pub(super) fn new(fields: Map<String, Value>, index: usize) -> Self {
        Self { provider: format!("number {}", index + 1), fields }
    }

    pub(super) fn name(&mut self) -> Result<String, ConfigError> {
        let is_plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let name = self.required("name", |value| {
            let name = value.as_str().filter(|it| !it.is_empty() && it.chars().all(is_plain));
            let name = name.ok_or("must have lower-case letters, digits, - and _ only")?;
            if name == Models::BUILTIN {
                return Err("must not be builtin, which is always there");
            }
            Ok(name.to_owned())
        })?;
        self.provider.clone_from(&name);
        Ok(name)
    }

    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Result<Option<T>, ConfigError> {
        match self.fields.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&value).map(Some).map_err(|it| field(&self.provider, name, it)),
        }
    }

    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Result<T, ConfigError> {
        let value = self.optional(name, read)?;
        value.ok_or_else(|| field(&self.provider, name, "is missing"))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, ConfigError> {
        let flag = self.optional(name, |it| it.as_bool().ok_or("must be true or false"))?;
        Ok(flag.unwrap_or_default())
    }

    pub(super) fn count(
        &mut self,
        name: &str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, ConfigError> {
        self.optional(name, |value| {
            let count = value.as_u64().and_then(|it| usize::try_from(it).ok());
            count.filter(|it| range.contains(it)).ok_or("is no whole number, or out of range")
        })
    }

    pub(super) fn names(&mut self, name: &str) -> Result<Vec<String>, ConfigError> {
        let names = self.optional(name, |value| {
            let names: Vec<String> = serde_json::from_value(value.clone())
                .map_err(|_| "must be a list of the models' names")?;
            let is_repeated = |(at, it): (usize, &String)| names[..at].contains(it);
            if names.iter().any(|it| it.trim().is_empty()) {
                return Err("has a name that is empty");
            }
            if names.iter().enumerate().any(is_repeated) {
                return Err("has a name twice");
            }
            Ok(names)
        })?;
        Ok(names.unwrap_or_default())
    }

    /// Fails if a field is left over.
    pub(super) fn end(self) -> Result<(), ConfigError> {
        match self.fields.keys().next() {
            Some(unknown) => Err(field(&self.provider, unknown, "is no field of a provider")),
            None => Ok(()),
        }
    }
}
