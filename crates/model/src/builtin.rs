//! A provider that needs no network: SQL typed as the question, and plain
//! questions in Portuguese or English over the known schema.
//!
//! It never guesses: a question is answered only if every word of it was used.

mod answer;
mod bind;
mod help;
mod intent;
mod names;
mod parse;
mod query;
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

use crate::{Error, Plan, Provider, Question};
use intent::Problem;
use names::Names;
use query::Query;
use vocabulary::Language;

/// Answers the same way every time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Builtin;

#[async_trait::async_trait]
impl Provider for Builtin {
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error> {
        if let Some(sql) = typed_sql::find(question.text) {
            return Ok(Plan::Query(sql.to_owned()));
        }
        let plan = match understand(question.text, question.schema) {
            Ok(query) => Plan::Query(query.to_string()),
            Err(problem) => {
                let language = language(question.text);
                Plan::Reply(help::help(&problem, language, question.schema, question.text))
            }
        };
        Ok(plan)
    }

    /// A piece is a line, with its line break.
    fn answer<'a>(
        &'a self,
        question: &'a Question<'a>,
        _sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>> {
        let answer = answer(question, rows);
        let lines: Vec<_> = answer.split_inclusive('\n').map(|it| Ok(it.to_owned())).collect();
        stream::iter(lines).boxed()
    }
}

fn answer(question: &Question<'_>, rows: &Rows) -> String {
    if typed_sql::find(question.text).is_some() {
        return answer::answer(rows, Language::English, false);
    }
    let query = understand(question.text, question.schema);
    let is_open_list = query.is_ok_and(|it| it.is_open_list());
    answer::answer(rows, language(question.text), is_open_list)
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
