//! From a question to its answer.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use data_source::{Limits, Schema, Source, guard, introspect, query};
use model::{Plan, Question};
use storage::{
    agents, data_sources,
    entity::{agent, data_source as source_row, run},
    runs::{Ending, Execution},
};

use crate::{Error, Worker};

/// How much of a result is read at most.
const MAX_RESULT_BYTES: usize = 1 << 20;
/// How long an answer may be, so that a page of them can be sent.
const MAX_ANSWER_CHARS: usize = 16_000;

impl Worker {
    #[tracing::instrument(name = "run.execute", skip_all)]
    pub(crate) async fn execute(&self, run: &run::Model) -> Result<Ending, Error> {
        let (agent, row) =
            agents::get_with_data_source(&self.db, run.user_id, run.agent_id).await?;
        let source = self.sources.source(&row)?;
        let schema = self.schema(&row, &source).await?.narrowed_to(&agent.table_allow_list);
        let question =
            Question { text: &run.question, instructions: &agent.instructions, schema: &schema };
        match self.provider.plan(&question).await? {
            Plan::Reply(content) => Ok(answered(content, None)),
            Plan::Query(sql) => self.answer(&question, &sql, &agent, &source).await,
        }
    }

    /// Executes a planned statement, if the guard lets it pass, as the guard
    /// printed it.
    async fn answer(
        &self,
        question: &Question<'_>,
        sql: &str,
        agent: &agent::Model,
        source: &Source,
    ) -> Result<Ending, Error> {
        let statement = guard::check(sql, question.schema)?;
        let egress = &self.sources.egress;
        let started = Instant::now();
        let rows = query(source, egress, question.schema, &statement, &limits(agent)).await?;
        let milliseconds = started.elapsed().as_millis();

        let content = self.provider.answer(question, statement.as_str(), &rows).await?;
        let execution = Execution {
            sql: statement.as_str().to_owned(),
            milliseconds: i64::try_from(milliseconds).unwrap_or(i64::MAX),
            row_count: i64::try_from(rows.rows.len()).unwrap_or(i64::MAX),
            truncated: rows.truncated_by.is_some(),
        };
        Ok(answered(content, Some(execution)))
    }

    /// What the data source holds: as it was last read, or read now.
    async fn schema(&self, row: &source_row::Model, source: &Source) -> Result<Schema, Error> {
        if let Some(snapshot) = &row.schema_snapshot {
            let schema = serde_json::from_value(snapshot.clone());
            return Ok(schema.context("a schema is stored as it is printed")?);
        }
        let schema = introspect(source, &self.sources.egress).await?;
        let snapshot = serde_json::to_value(&schema).context("a schema is JSON")?;
        data_sources::store_schema(&self.db, row.user_id, row.id, snapshot).await?;
        Ok(schema)
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
fn answered(content: String, execution: Option<Execution>) -> Ending {
    let mut content = content.replace('\0', "\u{fffd}");
    if let Some((cut, _)) = content.char_indices().nth(MAX_ANSWER_CHARS) {
        content.truncate(cut);
        content.push_str("\n\n[cut: the answer was too long]");
    }
    Ending { content, execution, failure: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_too_long_says_that_it_was_cut() {
        let short = "é".repeat(MAX_ANSWER_CHARS);
        assert_eq!(answered(short.clone(), None).content, short);

        let cut = answered(format!("{short}é"), None).content;
        assert!(cut.starts_with(&short) && cut.ends_with("[cut: the answer was too long]"));
    }

    #[test]
    fn what_postgres_can_not_store_is_replaced() {
        assert_eq!(answered("a\0b".to_owned(), None).content, "a\u{fffd}b");
    }
}
