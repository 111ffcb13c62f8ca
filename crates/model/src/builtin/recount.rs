//! "How many are there?": counts what the turn before was about.

use data_source::{Schema, guard};

use super::{
    intent::{Aggregate, Intent},
    names::Names,
    parse,
    query::{Limit, Measure, Query, Select},
    understand, vocabulary,
    words::{self, Token},
};
use crate::{Prompt, Turn};

/// Words that point back to what was asked before.
const BACK: &str = "they them those these and so eles elas deles delas esses essas e";

/// `None` if the question is not about the turn before.
pub(super) fn find(prompt: &Prompt<'_>) -> Option<String> {
    let turn = prompt.recent.last()?;
    let sql = turn.sql.as_deref()?;
    if !is_bare_count(prompt.question, prompt.schema) {
        return None;
    }
    // A count that was counted again would be one.
    if is_bare_count(&turn.question, prompt.schema) {
        return Some(sql.to_owned());
    }
    Some(counted(turn, sql, prompt.schema).unwrap_or_else(|| wrapped(sql)))
}

/// Whether it asks for a number of rows, and names nothing to count.
fn is_bare_count(text: &str, schema: &Schema) -> bool {
    let points_back =
        |it: &Token<'_>| matches!(&it.words[..], [word] if BACK.split(' ').any(|it| it == word));
    let mut tokens = words::tokens(text);
    let language = vocabulary::language(&tokens);
    tokens.retain(|it| !points_back(it));
    let intent = parse::parse(text, &tokens, language, &Names::of(schema));
    tokens.len() <= words::MAX_TOKENS
        && matches!(intent, Ok(Intent {
            verb: None,
            aggregate: Some(Aggregate::Rows),
            shown: None,
            is_distinct: false,
            tables: None,
            filters,
            groups,
            rank: None,
            limit: None,
        }) if filters.is_empty() && groups.is_empty())
}

/// The count of a list that was cut, or of what was aggregated, if the statement was
/// made here.
fn counted(turn: &Turn, sql: &str, schema: &Schema) -> Option<String> {
    let mut query = understand(&turn.question, schema).ok().filter(|it| is_of(sql, it, schema))?;
    match (&query.select, query.limit) {
        (Select::Rows { is_distinct: true, .. }, Limit::Open) => {
            query.limit = Limit::Whole;
            Some(wrapped(&query.to_string()))
        }
        (Select::Rows { .. }, Limit::Open) => Some(rows_of(query)),
        (Select::Aggregate { keys, .. }, _) if keys.is_empty() => Some(rows_of(query)),
        (Select::Rows { .. } | Select::Aggregate { .. }, _) => None,
    }
}

fn rows_of(mut query: Query<'_>) -> String {
    query.select =
        Select::Aggregate { keys: Vec::new(), measure: Measure::Rows, is_descending: None };
    query.to_string()
}

/// What is stored is what the guard has printed.
fn is_of(sql: &str, query: &Query<'_>, schema: &Schema) -> bool {
    let query = query.to_string();
    query == sql || guard::check(&query, schema).is_ok_and(|it| it.as_str() == sql)
}

fn wrapped(sql: &str) -> String {
    let sql = sql.trim_end_matches(|c: char| c == ';' || c.is_whitespace());
    format!("SELECT count(*) FROM ({sql}\n) AS earlier")
}
