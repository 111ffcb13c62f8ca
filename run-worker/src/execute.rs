//! From a question to its answer.

use std::time::{Duration, Instant};

use data_source::{Limits, Rows, Source, guard, query};
use futures::StreamExt as _;
use model::{Plan, Question};
use storage::{agents, entity::agent, runs::Execution};
use tokio::time;

use crate::{Error, attempt::Attempt, progress::TEXT_PERIOD};

/// How much of a result is read at most.
const MAX_RESULT_BYTES: usize = 1 << 20;

impl Attempt<'_> {
    /// Answers the question; what there is of it is in the attempt's progress.
    #[tracing::instrument(name = "run.execute", skip_all)]
    pub(crate) async fn execute(&self) -> Result<(), Error> {
        let (worker, run) = (self.worker, &self.run);
        let (agent, row) =
            agents::get_with_data_source(&worker.db, run.user_id, run.agent_id).await?;
        let source = worker.sources.source(&row)?;
        let schema = worker.sources.schema(&row).await?.narrowed_to(&agent.table_allow_list);
        let question =
            Question { text: &run.question, instructions: &agent.instructions, schema: &schema };
        match worker.provider.plan(&question).await? {
            Plan::Reply(content) => {
                self.progress.say(&content);
                Ok(())
            }
            Plan::Query(sql) => {
                // What is executed is what the guard printed, never what was planned.
                let statement = guard::check(&sql, &schema)?;
                self.progress.executing(statement.as_str());
                let rows = self.query(&question, &statement, &agent, &source).await?;
                self.answer(&question, statement.as_str(), &rows).await
            }
        }
    }

    async fn query(
        &self,
        question: &Question<'_>,
        statement: &guard::Query,
        agent: &agent::Model,
        source: &Source,
    ) -> Result<Rows, Error> {
        let egress = &self.worker.sources.egress;
        let started = Instant::now();
        let rows = query(source, egress, question.schema, statement, &limits(agent)).await?;
        let execution = Execution {
            milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
            row_count: i64::try_from(rows.rows.len()).unwrap_or(i64::MAX),
            truncated: rows.truncated_by.is_some(),
        };
        self.progress.executed(&rows, execution);
        Ok(rows)
    }

    async fn answer(&self, question: &Question<'_>, sql: &str, rows: &Rows) -> Result<(), Error> {
        let mut pieces = self.worker.provider.answer(question, sql, rows);
        loop {
            match time::timeout(TEXT_PERIOD, pieces.next()).await {
                Ok(Some(piece)) => {
                    if !self.progress.say(&piece?) {
                        return Ok(());
                    }
                }
                Ok(None) => return Ok(()),
                Err(_) => self.progress.send(),
            }
        }
    }
}

fn limits(agent: &agent::Model) -> Limits {
    Limits {
        max_rows: agent.max_rows.unsigned_abs(),
        max_bytes: MAX_RESULT_BYTES,
        timeout: Duration::from_millis(agent.statement_timeout_ms.unsigned_abs().into()),
    }
}
