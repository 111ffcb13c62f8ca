//! Checks of what a user decides about an agent.

use std::time::Duration;

use model::Models;
use proto::v1 as pb;
use storage::entity::agent::PrivacyMode;

use crate::grpc::fields::Fields;

const DEFAULT_MAX_ROWS: i32 = 500;
const MAX_MAX_ROWS: i32 = 10_000;
const DEFAULT_TIMEOUT_MS: i32 = 30_000;
const MAX_TIMEOUT_MS: i32 = 300_000;
const DEFAULT_MAX_COST: f64 = 1e9;
const MAX_MAX_COST: f64 = 1e15;
const MAX_ALLOW_LIST: usize = 1_000;
const MAX_ALLOW_LIST_BYTES: usize = 16 * 1024;
const MAX_TABLE_CHARS: usize = 200;
const DAY: u64 = 24 * 60 * 60;
/// Whoever keeps conversations for less would have their events outlive them.
const MIN_RETENTION_SECONDS: u64 = DAY;
const MAX_RETENTION_SECONDS: u64 = 36_500 * DAY;

/// One of the models that there are.
pub(super) fn model(fields: &mut Fields, models: &Models, name: String) -> String {
    if name.is_empty() {
        return Models::BUILTIN.to_owned();
    }
    if models.get(&name).is_err() {
        let names: Vec<&str> = models.names().collect();
        fields.refuse("model", format!("is not one of {}", names.join(", ")));
    }
    name
}

pub(super) fn allow_list(fields: &mut Fields, list: Vec<String>) -> Vec<String> {
    if MAX_ALLOW_LIST < list.len() {
        let problem = format!("must not have more than {MAX_ALLOW_LIST} entries");
        fields.refuse("table_allow_list", problem);
    } else if MAX_ALLOW_LIST_BYTES < list.iter().map(String::len).sum() {
        let problem = format!("must not have more than {MAX_ALLOW_LIST_BYTES} bytes in all");
        fields.refuse("table_allow_list", problem);
    }
    let is_name = |it: &String| {
        !it.is_empty() && it.chars().count() <= MAX_TABLE_CHARS && !it.contains(char::is_control)
    };
    if !list.iter().all(is_name) {
        let problem = format!("must hold names of 1 to {MAX_TABLE_CHARS} characters");
        fields.refuse("table_allow_list", problem);
    }
    list
}

/// Bounds of each statement.
pub(super) struct Limits {
    pub max_rows: i32,
    pub statement_timeout_ms: i32,
    pub max_cost: f64,
}

pub(super) fn limits(fields: &mut Fields, limits: Option<pb::AgentLimits>) -> Limits {
    let limits = limits.unwrap_or_default();
    let mut limit = |field, value: i32, default: i32, max: i32| match value {
        0 => default,
        value => {
            if !(1..=max).contains(&value) {
                fields.refuse(field, format!("must be from 1 to {max}, or 0 for {default}"));
            }
            value
        }
    };
    Limits {
        max_rows: limit("limits.max_rows", limits.max_rows, DEFAULT_MAX_ROWS, MAX_MAX_ROWS),
        statement_timeout_ms: limit(
            "limits.statement_timeout_ms",
            limits.statement_timeout_ms,
            DEFAULT_TIMEOUT_MS,
            MAX_TIMEOUT_MS,
        ),
        max_cost: max_cost(fields, limits.max_cost),
    }
}

fn max_cost(fields: &mut Fields, value: f64) -> f64 {
    if value == 0.0 {
        return DEFAULT_MAX_COST;
    }
    // No number is in no range.
    if !(0.0..=MAX_MAX_COST).contains(&value) {
        let problem = "must be a positive number up to 1e15, or 0 for 1,000,000,000";
        fields.refuse("limits.max_cost", problem);
    }
    value
}

/// How long conversations are kept; `None`: for ever.
pub(super) fn conversation_retention(
    fields: &mut Fields,
    value: Option<prost_types::Duration>,
) -> Option<Duration> {
    let value = value?;
    let seconds = u64::try_from(value.seconds).ok().filter(|_| value.nanos == 0);
    let kept = seconds.filter(|it| (MIN_RETENTION_SECONDS..=MAX_RETENTION_SECONDS).contains(it));
    if kept.is_none() {
        let problem = "must be from a day to 36,500 days, in whole seconds";
        fields.refuse("conversation_retention", problem);
    }
    kept.map(Duration::from_secs)
}

pub(super) fn privacy_mode(fields: &mut Fields, value: i32) -> PrivacyMode {
    match fields.choice("privacy_mode", value) {
        None | Some(pb::PrivacyMode::Unspecified | pb::PrivacyMode::None) => PrivacyMode::None,
        Some(pb::PrivacyMode::Aggregates) => PrivacyMode::Aggregates,
        Some(pb::PrivacyMode::Full) => PrivacyMode::Full,
    }
}

pub(super) fn to_privacy_mode(mode: PrivacyMode) -> pb::PrivacyMode {
    match mode {
        PrivacyMode::None => pb::PrivacyMode::None,
        PrivacyMode::Aggregates => pb::PrivacyMode::Aggregates,
        PrivacyMode::Full => pb::PrivacyMode::Full,
    }
}
