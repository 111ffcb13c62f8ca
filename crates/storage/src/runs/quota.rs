//! How many runs a user may have.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use super::UNFINISHED;
use crate::{Error, SessionId, Transaction, UserId};

/// Bounds on a user's runs; those that are not set are not asked about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quotas {
    /// How many may go on at once: those whose turn has come, and that have not ended.
    pub running: Option<u32>,
    /// How many may be started a day, from midnight UTC.
    pub runs_a_day: Option<u32>,
    /// How many tokens of models the runs of a day may use before no more are started.
    pub tokens_a_day: Option<u32>,
}

/// The quota that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    #[error("{0} runs of the user are going on, and more may not")]
    Running(u32),
    #[error("the user has started {0} runs today, and may not start more")]
    RunsToday(u32),
    #[error("the user's runs have used {0} tokens today or more, and no more are started")]
    TokensToday(u32),
}

/// Asks whether a user may have one more run, of a session that is locked.
///
/// The user's runs are counted under a lock until the transaction ends, so that of two
/// at once the second counts the first. One who is over is told so before, and waits for
/// nobody.
pub(super) async fn check(
    tx: &Transaction,
    user_id: UserId,
    session_id: SessionId,
    quotas: &Quotas,
) -> Result<(), Error> {
    if matches!(quotas, Quotas { running: None, runs_a_day: None, tokens_a_day: None }) {
        return Ok(());
    }
    count(tx, user_id, session_id, quotas).await?;
    lock(tx, user_id).await?;
    count(tx, user_id, session_id, quotas).await
}

async fn count(
    tx: &Transaction,
    user_id: UserId,
    session_id: SessionId,
    quotas: &Quotas,
) -> Result<(), Error> {
    let Quotas { running, runs_a_day, tokens_a_day } = *quotas;
    if let Some(max) = running
        && i64::from(max) <= others_running(tx, user_id, session_id).await?
    {
        return Err(exceeded(user_id, Exceeded::Running(max), Duration::from_secs(1)));
    }
    if runs_a_day.is_some() || tokens_a_day.is_some() {
        let today = Today::of(tx, user_id).await?;
        let used_up = today.used_up(quotas);
        return used_up.map_or(Ok(()), |it| Err(exceeded(user_id, it, today.left())));
    }
    Ok(())
}

fn exceeded(user_id: UserId, exceeded: Exceeded, retry_after: Duration) -> Error {
    Error::QuotaExceeded { user_id, exceeded, retry_after }
}

async fn lock(tx: &Transaction, user_id: UserId) -> Result<(), Error> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('runs of user ' || $1::text, 0))";
    let values: [sea_orm::Value; 1] = [user_id.into()];
    tx.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

/// How many runs of the user go on, in other sessions: in its own one a run waits for
/// its turn, if one goes on there.
async fn others_running(
    tx: &Transaction,
    user_id: UserId,
    session_id: SessionId,
) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        running: i64,
    }

    let sql = format!(
        "SELECT CASE
            WHEN EXISTS (
                SELECT FROM runs
                WHERE chat_session_id = $2 AND ended_at IS NULL AND admitted_at IS NOT NULL
            ) THEN 0
            ELSE (
                SELECT count(*) FROM runs
                WHERE user_id = $1 AND {UNFINISHED} AND admitted_at IS NOT NULL
            )
        END AS running"
    );
    let values: [sea_orm::Value; 2] = [user_id.into(), session_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = Row::find_by_statement(statement).one(tx).await?;
    Ok(row.expect("a SELECT without FROM has a row").running)
}

/// What a user's runs of the day come to by now. Of those that a user has had deleted with
/// all data, the deletion knows the sum.
#[derive(FromQueryResult)]
pub(crate) struct Today {
    pub(crate) runs: i64,
    pub(crate) tokens: i64,
    seconds_left: f64,
}

impl Today {
    pub(crate) async fn of(tx: &Transaction, user_id: UserId) -> Result<Self, Error> {
        let sql = "WITH clock AS MATERIALIZED (
                SELECT date_trunc('day', now(), 'UTC') AS midnight
            ),
            counted AS MATERIALIZED (
                SELECT midnight AS until, 0::bigint AS runs, 0::bigint AS tokens FROM clock
                UNION ALL
                (SELECT requested_at, runs_today, tokens_today FROM user_data_deletions
                WHERE user_id = $1 AND (SELECT midnight FROM clock) <= requested_at
                ORDER BY requested_at DESC LIMIT 1)
                ORDER BY until DESC LIMIT 1
            )
            SELECT counted.runs + count(run.id) AS runs, (
                    counted.tokens + coalesce(sum(prompt_tokens + completion_tokens), 0)
                )::bigint AS tokens,
                extract(epoch FROM midnight + interval '1 day' - now())::float8 AS seconds_left
            FROM clock CROSS JOIN counted
                LEFT JOIN runs run ON user_id = $1 AND until <= created_at
            GROUP BY midnight, counted.runs, counted.tokens";
        let values: [sea_orm::Value; 1] = [user_id.into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        let row = Self::find_by_statement(statement).one(tx).await?;
        Ok(row.expect("the clock has a row"))
    }

    fn used_up(&self, quotas: &Quotas) -> Option<Exceeded> {
        let runs = quotas.runs_a_day.filter(|max| i64::from(*max) <= self.runs);
        let tokens = quotas.tokens_a_day.filter(|max| i64::from(*max) <= self.tokens);
        runs.map(Exceeded::RunsToday).or(tokens.map(Exceeded::TokensToday))
    }

    /// How long the day still is.
    fn left(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds_left).unwrap_or_default()
    }
}
