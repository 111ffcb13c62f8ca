//! The catalogue of errors: it has what the code has, and the reference names it.

use std::{collections::BTreeSet, path::Path};

use session_service::error::{failure, reason};

use crate::architecture::sources;

const REFERENCE: &str = include_str!("../../docs/api.md");

/// The texts in capitals in a source, without those of its tests and the names that traces
/// give to statements.
fn capitals(source: &str) -> Vec<&str> {
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let is_capitals =
        |it: &&str| 4 <= it.len() && it.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
    let lines = code.lines().filter(|line| !line.contains("db.operation.name"));
    lines.flat_map(|line| line.split('"')).filter(is_capitals).collect()
}

/// Tells where runs get the reason for which they fail.
fn fails_runs(path: &Path) -> bool {
    path.starts_with("run-worker")
        || path.starts_with("crates/storage/src/runs")
        || path.ends_with("guard/refusal.rs")
}

#[test]
fn the_reasons_of_runs_that_fail_are_those_in_the_code() {
    let folders = ["run-worker/src", "crates/storage/src", "crates/data-source/src/guard"];
    let sources: Vec<_> = folders.into_iter().flat_map(sources).collect();
    let sources = sources.iter().filter(|(path, _)| fails_runs(path));
    let in_code: BTreeSet<&str> = sources.flat_map(|(_, text)| capitals(text)).collect();

    let in_catalogue: BTreeSet<&str> = failure::ALL.iter().map(|it| it.reason).collect();

    assert_eq!(in_catalogue, in_code);
}

#[test]
fn every_reason_of_calls_that_fail_can_be_given() {
    let sources = sources("session-service/src");
    let is_given = |name: &str| {
        let given = format!("reason::{name}");
        let follows = |rest: &str| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        sources.iter().any(|(_, text)| text.split(&given).skip(1).any(|rest| !follows(rest)))
    };

    let idle: Vec<&str> =
        reason::ALL.iter().map(|it| it.name).filter(|name| !is_given(name)).collect();

    assert_eq!(idle, Vec::<&str>::new());
}

#[test]
fn the_reference_names_every_reason() {
    let reasons = reason::ALL.iter().map(|it| it.name);
    let all = reasons.chain(failure::ALL.iter().map(|it| it.reason));
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = REFERENCE.split(|c| !is_part(c)).collect();

    let missing: Vec<&str> = all.filter(|name| !words.contains(name)).collect();

    assert_eq!(missing, Vec::<&str>::new());
}
