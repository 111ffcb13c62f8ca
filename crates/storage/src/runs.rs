//! Runs, from the question to its end.
//!
//! Every transaction that starts, admits, cancels or ends a run locks its session's row
//! first and the run's after it. Messages are written in [`admission`] and
//! [`ending`], and nowhere else.

mod admission;
mod backlog;
mod cancel;
mod ending;
mod lease;
mod locks;
mod outcome;
mod overdue;
mod quota;
mod signals;
mod wake_up;

use std::sync::LazyLock;

use sea_orm::{
    DbBackend, FromQueryResult, QueryOrder, QuerySelect, QueryTrait as _, Statement,
    entity::prelude::*,
};

use crate::{
    AgentId, Error, RunId, SessionId, UserId,
    columns::columns,
    entity::{
        message,
        run::{COLUMN, Column, Entity, Model, State},
    },
    error,
    page::Page,
    rows::{self, Columns, Ordered},
    sessions,
};

pub use admission::{Concurrency, Conversation, Start, admit_next, start};
pub use backlog::{Backlog, Waiting, backlog, backlog_statement};
pub(crate) use cancel::{Cause, cancel_all};
pub use cancel::{cancel, cancel_deleted};
pub use ending::{Ended, end};
pub use lease::{Claim, Terms, claim, hand_over, release, renew};
pub use outcome::{Ending, Execution, Failure, Outcome, Usage};
pub use overdue::{ATTEMPTS_EXHAUSTED, end_overdue};
pub(crate) use quota::Today;
pub use quota::{Exceeded, Quotas};
pub use signals::Signals;
pub use wake_up::{Due, WakeUp, publish_again, take_due, take_overdue};

/// How many times a run is begun before it is given up.
pub const MAX_ATTEMPTS: i32 = 3;

/// Which of a user's runs to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    pub state: Option<State>,
}

/// Gets a run. Those of a deleted session are not there.
#[tracing::instrument(name = "db.run.get", skip_all, fields(run.id = %id))]
pub async fn get(db: &impl ConnectionTrait, user_id: UserId, id: RunId) -> Result<Model, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| format!("{} AND {SESSION_IS_THERE}", *OWNED));

    find(db, &SQL, user_id, id).await
}

/// Gets a run that a user follows: until its end also when its session was deleted
/// meanwhile.
#[tracing::instrument(name = "db.run.follow", skip_all, fields(run.id = %id))]
pub async fn follow(db: &impl ConnectionTrait, user_id: UserId, id: RunId) -> Result<Model, Error> {
    find(db, &OWNED, user_id, id).await
}

/// Follows a run, and reads the answer that it has ended with.
#[tracing::instrument(name = "db.run.follow_answered", skip_all, fields(run.id = %id))]
pub async fn follow_answered(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: RunId,
) -> Result<Answered, Error> {
    find(db, &ANSWERED, user_id, id).await
}

/// Gets a run, and the answer that it has ended with.
#[tracing::instrument(name = "db.run.get_answered", skip_all, fields(run.id = %id))]
pub async fn get_answered(
    db: &impl ConnectionTrait,
    user_id: UserId,
    id: RunId,
) -> Result<Answered, Error> {
    static SQL: LazyLock<String> =
        LazyLock::new(|| format!("{} AND {SESSION_IS_THERE}", *ANSWERED));

    find(db, &SQL, user_id, id).await
}

static ANSWERED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {run}, m.id IS NOT NULL, {answer}
        FROM runs LEFT JOIN messages m ON m.run_id = runs.id AND m.role = 'assistant'
        WHERE runs.id = $1 AND runs.user_id = $2",
        run = columns::<Entity>("runs"),
        answer = columns::<message::Entity>("m")
    )
});

/// A run, with its answer if it has ended with one.
#[derive(Clone, Debug)]
pub struct Answered {
    pub run: Model,
    pub answer: Option<message::Model>,
}

impl Ordered for Answered {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(Self { run: Model::read(columns)?, answer: columns.optional()? })
    }
}

static OWNED: LazyLock<String> = LazyLock::new(|| {
    let columns = columns::<Entity>("runs");
    format!("SELECT {columns} FROM runs WHERE runs.id = $1 AND runs.user_id = $2")
});

async fn find<R: Ordered>(
    db: &impl ConnectionTrait,
    sql: &str,
    user_id: UserId,
    id: RunId,
) -> Result<R, Error> {
    let values: [sea_orm::Value; 2] = [id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    rows::one(db, statement).await?.ok_or(Error::NotFound(error::Entity::Run))
}

/// Which of these runs have ended, or are gone altogether.
#[tracing::instrument(name = "db.run.ended_of", skip_all)]
pub async fn ended_of(db: &impl ConnectionTrait, ids: &[RunId]) -> Result<Vec<RunId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: RunId,
    }

    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = format!(
        "SELECT id FROM unnest($1::bigint[]) AS it (id)
        WHERE NOT EXISTS (SELECT FROM runs WHERE runs.id = it.id AND {UNFINISHED})"
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()]);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Lists a user's runs, newest first.
#[tracing::instrument(name = "db.run.list", skip_all, fields(user.id = %user_id))]
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: UserId,
    filter: Filter,
    before: Option<RunId>,
    limit: u64,
) -> Result<Page<Model, RunId>, Error> {
    if let Some(session_id) = filter.session_id {
        sessions::get(db, user_id, session_id).await?;
    }
    let rows = Entity::find()
        .filter(COLUMN.user_id.eq(user_id))
        .filter(Expr::cust(SESSION_IS_THERE))
        .apply_if(filter.session_id, |query, id| query.filter(COLUMN.chat_session_id.eq(id)))
        .apply_if(filter.agent_id, |query, id| query.filter(COLUMN.agent_id.eq(id)))
        .apply_if(filter.state, |query, state| query.filter(COLUMN.state.eq(state)))
        .apply_if(before, |query, before| query.filter(Column::Id.lt(before)))
        .order_by_desc(Column::Id)
        .limit(limit + 1)
        .all(db)
        .await?;
    Ok(Page::from_overfetch(rows, limit, |row| row.id))
}

/// What has not ended, for statements about users or single runs. With `ended_at IS NULL`, Postgres
/// would read all of the index of sessions' unfinished runs where it last saw no such run.
/// Statements about a session, or about all that is unfinished, ask for that.
pub(crate) const UNFINISHED: &str = "state IN ('queued', 'running', 'cancelling')";

pub(crate) const SESSION_IS_THERE: &str = "EXISTS (SELECT FROM chat_sessions s \
     WHERE s.id = runs.chat_session_id AND s.deleted_at IS NULL)";
