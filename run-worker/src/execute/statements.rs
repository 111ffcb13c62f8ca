//! From a question to a statement that can be executed, corrected as often as need
//! be, and to its rows.

use std::{sync::Arc, time::Duration};

use bootstrap::report;
use chrono::Utc;
use data_source::{Limits, Rows, guard, rows::TruncatedBy};
use model::{Call, Plan, Tried};
use storage::{
    entity::{agent, run},
    results::{Column, RunResult},
    runs::Execution,
};
use tokio::time::Instant;

use super::context::Context;
use crate::{
    Error,
    attempt::Attempt,
    metrics::{self, Stage, timed},
};

/// How many statements are tried for one question.
const MAX_STATEMENTS: i32 = 3;
/// How much of a result is read at most.
const MAX_RESULT_BYTES: usize = 1 << 20;
/// A schema that was read less than this ago is not read again for a table that is
/// not in it.
const FRESH: Duration = Duration::from_secs(60);

/// What a question has led to.
pub(super) enum Found {
    /// The model answers without data.
    Reply(String),
    Rows {
        statement: guard::Query,
        rows: Rows,
    },
}

impl Attempt<'_> {
    /// Has the model plan statements until one can be executed. One that fails is
    /// given back to it with the reason, unless it would fail alike again.
    pub(super) async fn investigate(&self, context: &mut Context) -> Result<Found, Error> {
        let mut planned: Vec<String> = Vec::new();
        let mut tried: Vec<Tried> = Vec::new();
        let mut last: Option<Error> = None;
        for number in 1..=MAX_STATEMENTS {
            if !tried.is_empty() {
                metrics::corrected();
            }
            let plan = match self.plan(context, &tried).await {
                // A model that has babbled once may do better.
                Err(error) if error.is_unusable_plan() => {
                    last = Some(error);
                    continue;
                }
                plan => plan?,
            };
            let sql = match plan {
                Plan::Query(sql) if !planned.contains(&sql) => sql,
                Plan::Reply(text) if tried.is_empty() => return Ok(Found::Reply(text)),
                // The same again, or what could only be made up.
                Plan::Query(_) | Plan::Reply(_) => break,
            };
            let (printed, error) = match self.check(context, &sql).await {
                Err(error) => (sql.clone(), error),
                Ok(statement) => match self.query(context, &statement).await {
                    Ok(rows) => return Ok(Found::Rows { statement, rows }),
                    Err(error) => (statement.as_str().to_owned(), error),
                },
            };
            let failure = error.failure();
            if error.is_of_statement() {
                self.progress.statement_failed(number, &sql, failure.clone());
            }
            if !error.is_correctable() {
                return Err(error);
            }
            if error.is_schema_outdated() {
                self.refresh_schema(context).await;
            }
            // A place in the statement is one in its print.
            tried.push(context.gate.tried(printed, &error));
            planned.push(sql);
            if last.replace(error).is_some_and(|before| before.failure() == failure) {
                break;
            }
        }
        metrics::gave_up();
        Err(last.expect("whoever leaves the loop has seen something fail"))
    }

    async fn plan(&self, context: &Context, tried: &[Tried]) -> Result<Plan, Error> {
        let prompt = context.prompt(tried);
        let call = Call::chat(&context.agent.model);
        let planning = call.follow(context.provider.plan(&prompt));
        let planned = timed(Stage::Plan, planning).await?;
        call.spent(planned.usage);
        self.progress.spent(&context.agent.model, planned.usage);
        Ok(planned.plan)
    }

    /// What is executed is what the guard prints, never what was planned. A table that
    /// it does not know may be new.
    async fn check(&self, context: &mut Context, sql: &str) -> Result<guard::Query, Error> {
        let began_at = Instant::now();
        let mut checked = guard::check(sql, &context.snapshot.schema);
        metrics::took(Stage::Guard, began_at.elapsed());
        let is_unknown = matches!(checked, Err(guard::Refusal::TableNotAllowed { .. }));
        if is_unknown && is_old(context) && self.refresh_schema(context).await {
            checked = guard::check(sql, &context.snapshot.schema);
        }
        Ok(checked.inspect_err(metrics::refused)?)
    }

    /// Reads the schema anew; tells whether it has changed. If it can't be read, the
    /// old one has to do.
    async fn refresh_schema(&self, context: &mut Context) -> bool {
        match context.refresh_schema(self.worker).await {
            Ok(has_changed) => has_changed,
            Err(error) => {
                tracing::warn!(error = %report(&error), "the schema was not read anew");
                false
            }
        }
    }

    async fn query(&self, context: &Context, statement: &guard::Query) -> Result<Rows, Error> {
        self.progress.executing(statement.as_str());
        let (pools, limits) = (&self.worker.sources.pools, limits(&context.agent));
        let rows = pools.query(&context.source, &context.snapshot.schema, statement, &limits);
        let rows = timed(Stage::Sql, rows).await.inspect_err(metrics::failed)?;
        metrics::executed();
        if let Some(by) = rows.truncated_by {
            metrics::truncated(by);
        }
        self.progress.executed(&rows, execution(&rows));
        Ok(rows)
    }
}

fn is_old(context: &Context) -> bool {
    let age = (Utc::now() - context.snapshot.read_at).to_std();
    age.is_ok_and(|age| FRESH < age)
}

fn limits(agent: &agent::Model) -> Limits {
    Limits {
        max_rows: agent.max_rows.unsigned_abs(),
        max_bytes: MAX_RESULT_BYTES,
        max_cost: agent.max_cost,
        timeout: Duration::from_millis(agent.statement_timeout_ms.unsigned_abs().into()),
    }
}

fn execution(rows: &Rows) -> Execution {
    Execution {
        milliseconds: i64::try_from(rows.took.as_millis()).unwrap_or(i64::MAX),
        row_count: i64::try_from(rows.rows.len()).unwrap_or(i64::MAX),
        truncated_by: rows.truncated_by.map(|by| match by {
            TruncatedBy::Rows => run::TruncatedBy::Rows,
            TruncatedBy::Bytes => run::TruncatedBy::Bytes,
        }),
        total_rows: rows.total_rows.and_then(|it| i64::try_from(it).ok()),
        result: Arc::new(to_result(rows)),
    }
}

fn to_result(rows: &Rows) -> RunResult {
    let columns = rows
        .columns
        .iter()
        .map(|column| Column { name: column.name.clone(), type_name: column.type_name.clone() });
    RunResult { columns: columns.collect(), rows: rows.rows.clone() }
}
