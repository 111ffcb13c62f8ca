//! What workers do beside runs. A task is a row until it is done: who takes it puts
//! it off for as long as it may take, so that another takes it if they die.

use std::time::Duration;

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::Error;

/// What there is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Embedding a message.
    Embed,
    /// Summing up a session, and giving it a title.
    Summarize,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Embed, Self::Summarize];

    pub fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::Summarize => "summarize",
        }
    }
}

/// A task that was taken.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Task {
    pub subject_id: i64,
    /// How many times it was taken, this time included.
    pub attempts: i32,
    /// Until when nobody else takes it. Another time in its row means that it was
    /// taken by another since, or is to be done once more.
    pub due_at: DateTimeUtc,
    /// Whether it was there a day ago.
    pub is_old: bool,
}

/// Takes up to `limit` tasks that are due, the longest due first. Of several callers
/// each gets others. Each time that a task is taken, it is its taker's for longer.
#[tracing::instrument(name = "db.background.take", skip_all, fields(kind = kind.name()))]
pub async fn take(
    db: &impl ConnectionTrait,
    kind: Kind,
    limit: u16,
    lease: Duration,
) -> Result<Vec<Task>, Error> {
    let sql = "
        WITH due AS MATERIALIZED (
            SELECT subject_id FROM background_tasks WHERE kind = $1 AND due_at <= now()
            ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE background_tasks AS task SET attempts = attempts + 1,
            due_at = now() + $3 * interval '1 second' * 2 ^ least(attempts, 5)
        FROM due WHERE task.kind = $1 AND task.subject_id = due.subject_id
        RETURNING task.subject_id, task.attempts, task.due_at,
            task.created_at < now() - interval '1 day' AS is_old";
    let values: [sea_orm::Value; 3] =
        [kind.name().into(), i64::from(limit).into(), lease.as_secs_f64().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Task::find_by_statement(statement).all(db).await?)
}

/// Notes that tasks are done. Those that are to be done once more since stay.
#[tracing::instrument(name = "db.background.done", skip_all, fields(kind = kind.name()))]
pub async fn done(db: &impl ConnectionTrait, kind: Kind, tasks: &[Task]) -> Result<(), Error> {
    let verb = "DELETE FROM background_tasks AS task USING given";
    change(db, verb, kind, tasks).await
}

/// Gives tasks back that were tried and have failed, for a later try: each time the
/// wait is twice as long, and chance makes it shorter.
#[tracing::instrument(name = "db.background.retry", skip_all, fields(kind = kind.name()))]
pub async fn retry(db: &impl ConnectionTrait, kind: Kind, tasks: &[Task]) -> Result<(), Error> {
    let verb = "UPDATE background_tasks AS task SET due_at = now()
        + least(600, 2 ^ least(attempts, 10)) * (0.5 + random() / 2) * interval '1 second'
        FROM given";
    change(db, verb, kind, tasks).await
}

/// Gives tasks back that were not tried, for others to take at once.
#[tracing::instrument(name = "db.background.give_back", skip_all, fields(kind = kind.name()))]
pub async fn give_back(db: &impl ConnectionTrait, kind: Kind, tasks: &[Task]) -> Result<(), Error> {
    let verb = "UPDATE background_tasks AS task SET attempts = attempts - 1, due_at = now()
        FROM given";
    change(db, verb, kind, tasks).await
}

/// Has a task done once more, though it be in hand.
#[tracing::instrument(name = "db.background.again", skip_all, fields(kind = kind.name()))]
pub async fn again(db: &impl ConnectionTrait, kind: Kind, subject_id: i64) -> Result<(), Error> {
    let sql = "INSERT INTO background_tasks (kind, subject_id) VALUES ($1, $2)
        ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = now(), attempts = 0";
    let values: [sea_orm::Value; 2] = [kind.name().into(), subject_id.into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

/// Gives tasks back that could not be done, and that it did not cost a try. The longer
/// a task has been there, the longer it waits: what is away for hours is not asked for
/// each of them every few seconds.
#[tracing::instrument(name = "db.background.postpone", skip_all, fields(kind = kind.name()))]
pub async fn postpone(db: &impl ConnectionTrait, kind: Kind, tasks: &[Task]) -> Result<(), Error> {
    let verb = "UPDATE background_tasks AS task SET attempts = attempts - 1, due_at = now()
        + least(600, greatest(1, extract(epoch FROM now() - created_at) / 4))
            * (0.5 + random() / 2) * interval '1 second'
        FROM given";
    change(db, verb, kind, tasks).await
}

/// Changes the tasks that are still as they were taken.
async fn change(
    db: &impl ConnectionTrait,
    verb: &str,
    kind: Kind,
    tasks: &[Task],
) -> Result<(), Error> {
    if tasks.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "WITH given AS (SELECT * FROM unnest($2::bigint[], $3::timestamptz[]) AS it (id, due_at))
        {verb} WHERE task.kind = $1 AND task.subject_id = given.id AND task.due_at = given.due_at"
    );
    let ids: Vec<i64> = tasks.iter().map(|task| task.subject_id).collect();
    let times: Vec<DateTimeUtc> = tasks.iter().map(|task| task.due_at).collect();
    let values: [sea_orm::Value; 3] = [kind.name().into(), ids.into(), times.into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

/// How far behind the workers are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lag {
    pub tasks: i64,
    /// How long the oldest task has been waiting to be done.
    pub oldest: Duration,
}

#[tracing::instrument(name = "db.background.lag", skip_all, fields(kind = kind.name()))]
pub async fn lag(db: &impl ConnectionTrait, kind: Kind) -> Result<Lag, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        tasks: i64,
        seconds: f64,
    }

    let sql = "SELECT count(*) AS tasks,
            coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision AS seconds
        FROM background_tasks WHERE kind = $1";
    let values: [sea_orm::Value; 1] = [kind.name().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = Row::find_by_statement(statement).one(db).await?;
    let Row { tasks, seconds } = row.expect("a count is one row");
    Ok(Lag { tasks, oldest: Duration::try_from_secs_f64(seconds).unwrap_or_default() })
}
