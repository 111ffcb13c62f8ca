//! The tables that a model is told of: all, or the slice that matters.

use std::collections::HashSet;

use data_source::Schema;

use super::{
    budget::{Budget, tokens},
    interest::Interest,
    slice,
    table::{self, Detail},
};

const OTHERS: &str = "Other tables: ";

/// The schema in no more than so many tokens.
pub(super) fn schema(schema: &Schema, interest: &Interest, max_tokens: usize) -> String {
    for detail in [Detail::Full, Detail::Plain] {
        if let Some(whole) = whole(schema, detail, max_tokens) {
            return whole;
        }
    }
    sliced(schema, interest, max_tokens)
}

/// `None` as soon as it is too much.
fn whole(schema: &Schema, detail: Detail, max_tokens: usize) -> Option<String> {
    let mut whole = String::new();
    for it in &schema.tables {
        whole += &table::table(it, detail);
        if tokens(&whole) > max_tokens {
            return None;
        }
    }
    Some(whole)
}

fn sliced(schema: &Schema, interest: &Interest, max_tokens: usize) -> String {
    let mut ranked = slice::ranked(schema, interest);
    if ranked.is_empty() {
        ranked = (0..schema.tables.len()).collect();
    }
    // The names of the rest are worth some room: they can be asked for.
    let mut budget = Budget::new(max_tokens - max_tokens / 8);
    let mut kept: Vec<(usize, String)> = Vec::new();
    for at in ranked {
        let is_hopeless = table::least_tokens(&schema.tables[at]) > budget.left();
        if is_hopeless && !kept.is_empty() {
            continue;
        }
        let forms = [Detail::Full, Detail::Plain].map(|it| table::table(&schema.tables[at], it));
        if let Some(form) = forms.into_iter().find(|it| budget.take(it)) {
            kept.push((at, form));
        } else if kept.is_empty() {
            kept.push((at, start(schema, at, &mut budget)));
        }
    }
    kept.sort_unstable_by_key(|(at, _)| *at);
    let room = (budget.left() + max_tokens / 8).min(max_tokens / 4);
    let places: HashSet<usize> = kept.iter().map(|(at, _)| *at).collect();
    let others = (0..schema.tables.len()).filter(|at| !places.contains(at));
    let others = others.map(|at| table::name(&schema.tables[at]));
    let text: String = kept.iter().map(|(_, it)| it.as_str()).collect();
    text + &names(others, room)
}

/// As many columns as fit, of a table that is too wide for the whole room.
fn start(schema: &Schema, at: usize, budget: &mut Budget) -> String {
    let whole = table::table(&schema.tables[at], Detail::Plain);
    let mut start = String::new();
    let more = "  -- and more columns\n";
    budget.spend(more);
    for line in whole.split_inclusive('\n') {
        if !budget.take(line) {
            break;
        }
        start += line;
    }
    start + more
}

/// As many names as fit.
fn names(names: impl Iterator<Item = String>, max_tokens: usize) -> String {
    let mut budget = Budget::new(max_tokens);
    let end = ", …\n";
    let mut text = String::new();
    budget.spend(OTHERS);
    budget.spend(end);
    for name in names {
        let next = if text.is_empty() { format!("{OTHERS}{name}") } else { format!(", {name}") };
        if !budget.take(&next) {
            return if text.is_empty() { text } else { text + end };
        }
        text += &next;
    }
    if text.is_empty() { text } else { text + "\n" }
}
