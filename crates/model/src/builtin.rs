//! A provider that needs no network: SQL typed as the question, and plain
//! questions in Portuguese or English over the known schema.
//!
//! It never guesses: a question is answered only if every word of it was used.

mod answer;
mod bind;
mod commands;
mod embedding;
mod help;
mod intent;
mod names;
mod parse;
mod query;
mod recount;
mod summary;
#[cfg(test)]
mod tests;
mod typed_sql;
mod vocabulary;
mod words;

use data_source::{Rows, Schema};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};

use crate::{Conversation, Error, Piece, Plan, Planned, Prompt, Provider, Summarized};
use intent::Problem;
use names::Names;
use query::Query;
use vocabulary::Language;

/// Answers the same way every time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builtin;

#[async_trait::async_trait]
impl Provider for Builtin {
    fn is_local(&self) -> bool {
        true
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        if let Some(sql) = typed_sql::find(prompt.question) {
            return Ok(Plan::Query(sql.to_owned()).into());
        }
        if let Some(sql) = recount::find(prompt) {
            return Ok(Plan::Query(sql).into());
        }
        let plan = match understand(prompt.question, prompt.schema) {
            Ok(query) => Plan::Query(query.to_string()),
            Err(problem) => {
                let language = language(prompt.question);
                Plan::Reply(help::help(&problem, language, prompt.schema, prompt.question))
            }
        };
        Ok(plan.into())
    }

    /// A piece is a line, with its line break.
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        _sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        let answer = answer(prompt, rows);
        let lines = answer.split_inclusive('\n').map(|it| Ok(Piece::Text(it.to_owned())));
        stream::iter(lines.collect::<Vec<_>>()).boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        Ok(summary::summarize(conversation))
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        Ok(texts.iter().map(|text| embedding::embed(text)).collect())
    }
}

/// The wording of a result whose statement was made elsewhere.
pub fn word(question: &str, rows: &Rows) -> String {
    answer::answer(rows, language(question), false)
}

/// Says of a result that was cut that it was, in the language of the question.
pub fn truncation_note(question: &str, rows: &Rows) -> Option<String> {
    answer::truncation_note(rows, language(question))
}

/// Says of a result of which a model was shown a part that it was, in the language of
/// the question.
pub(crate) fn shown_note(question: &str, shown: usize, of: usize) -> Option<String> {
    answer::shown_note(shown, of, language(question))
}

/// Whether a model that says this means a command, allowed or not, and no sentence.
pub(crate) fn is_command(text: &str) -> bool {
    commands::is_command(text)
}

/// Whether this is SQL rather than prose.
pub(crate) fn is_sql(text: &str) -> bool {
    typed_sql::find(text).is_some()
}

fn answer(prompt: &Prompt<'_>, rows: &Rows) -> String {
    if typed_sql::find(prompt.question).is_some() {
        return answer::answer(rows, Language::English, false);
    }
    let query = understand(prompt.question, prompt.schema);
    let is_open_list = query.is_ok_and(|it| it.is_open_list());
    answer::answer(rows, language(prompt.question), is_open_list)
}

fn understand<'a>(text: &str, schema: &'a Schema) -> Result<Query<'a>, Problem> {
    if schema.tables.is_empty() {
        return Err(Problem::NoTables);
    }
    let tokens = words::tokens(text);
    if tokens.len() > words::MAX_TOKENS {
        return Err(Problem::Unclear);
    }
    let language = vocabulary::language(&tokens);
    let intent = parse::parse(text, &tokens, language, &Names::of(schema))?;
    bind::bind(&intent, schema, language)
}

fn language(text: &str) -> Language {
    vocabulary::language(&words::tokens(text))
}
