//! From a question to its answer.

use std::time::{Duration, Instant};

use data_source::{Limits, Source, guard, query};
use model::{Plan, Question};
use storage::{
    agents,
    entity::{agent, run},
    runs::{Ending, Execution},
};

use crate::{Error, Worker};

/// How much of a result is read at most.
const MAX_RESULT_BYTES: usize = 1 << 20;
/// How long an answer may be, so that a page of them can be sent.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Why there is no answer, and the statement that was sent to the data source, if
/// it came to that.
#[derive(Debug)]
pub(crate) struct Failed {
    pub error: Error,
    pub sql: Option<String>,
}

impl<E: Into<Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { error: error.into(), sql: None }
    }
}

impl Worker {
    #[tracing::instrument(name = "run.execute", skip_all)]
    pub(crate) async fn execute(&self, run: &run::Model) -> Result<Ending, Failed> {
        let (agent, row) =
            agents::get_with_data_source(&self.db, run.user_id, run.agent_id).await?;
        let source = self.sources.source(&row)?;
        let schema = self.sources.schema(&row).await?.narrowed_to(&agent.table_allow_list);
        let question =
            Question { text: &run.question, instructions: &agent.instructions, schema: &schema };
        match self.provider.plan(&question).await? {
            Plan::Reply(content) => Ok(answered(content, None, None)),
            Plan::Query(sql) => {
                // What is executed is what the guard printed, never what was planned.
                let statement = guard::check(&sql, &schema)?;
                let answer = self.answer(&question, &statement, &agent, &source).await;
                let sql = statement.as_str().to_owned();
                match answer {
                    Ok((content, execution)) => Ok(answered(content, Some(sql), Some(execution))),
                    Err(error) => {
                        Err(Failed { sql: error.is_of_statement().then_some(sql), error })
                    }
                }
            }
        }
    }

    async fn answer(
        &self,
        question: &Question<'_>,
        statement: &guard::Query,
        agent: &agent::Model,
        source: &Source,
    ) -> Result<(String, Execution), Error> {
        let egress = &self.sources.egress;
        let started = Instant::now();
        let rows = query(source, egress, question.schema, statement, &limits(agent)).await?;
        let execution = Execution {
            milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
            row_count: i64::try_from(rows.rows.len()).unwrap_or(i64::MAX),
            truncated: rows.truncated_by.is_some(),
        };
        let content = self.provider.answer(question, statement.as_str(), &rows).await?;
        Ok((content, execution))
    }
}

fn limits(agent: &agent::Model) -> Limits {
    Limits {
        max_rows: agent.max_rows.unsigned_abs(),
        max_bytes: MAX_RESULT_BYTES,
        timeout: Duration::from_millis(agent.statement_timeout_ms.unsigned_abs().into()),
    }
}

/// What Postgres can't store of a model's words is replaced, and what is too much
/// of them is cut, visibly.
fn answered(content: String, sql: Option<String>, execution: Option<Execution>) -> Ending {
    let mut content = content.replace('\0', "\u{fffd}");
    if MAX_ANSWER_BYTES < content.len() {
        content.truncate(content.floor_char_boundary(MAX_ANSWER_BYTES));
        content.push_str("\n\n[cut: the answer was too long]");
    }
    Ending { content, sql, execution, failure: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_long_says_that_it_was_cut() {
        let short = "é".repeat(MAX_ANSWER_BYTES / 2);
        assert_eq!(answered(short.clone(), None, None).content, short);

        let cut = answered(format!("{short}é"), None, None).content;
        assert!(cut.starts_with(&short) && cut.ends_with("[cut: the answer was too long]"));
    }

    #[test]
    fn what_postgres_can_not_store_is_replaced() {
        assert_eq!(answered("a\0b".to_owned(), None, None).content, "a\u{fffd}b");
    }
}
