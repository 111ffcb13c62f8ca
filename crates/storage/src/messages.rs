//! Messages: reading them. They are written by [`crate::runs`] alone, when a run
//! is admitted and when it ends.

use std::sync::LazyLock;

use sea_orm::{DbBackend, Statement, entity::prelude::*};

use crate::{
    Error, RunId, SessionId, UserId,
    columns::columns,
    entity::message::{Entity, Model},
    error,
    rows::{self, Columns},
};

/// Which of a session's messages to list.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Only messages after this place.
    pub after_sequence: i64,
    /// How many of them to pass over.
    pub skip: i64,
    pub limit: i64,
    pub descending: bool,
}

/// A session's messages, and what they are a part of.
#[derive(Clone, Debug)]
pub struct Listing {
    pub title: String,
    pub total_messages: i64,
    pub messages: Vec<Model>,
}

/// Lists a range of a session's messages.
///
/// Places are dense, so that the range is one of the index, wherever it lies,
/// and the session's counter is the total.
#[tracing::instrument(name = "db.message.list", skip_all, fields(session.id = %session_id))]
pub async fn list(
    db: &impl ConnectionTrait,
    user_id: UserId,
    session_id: SessionId,
    range: Range,
) -> Result<Listing, Error> {
    let rows = db.query_all_raw(list_statement(user_id, session_id, range)).await?;
    let Some(first) = rows.first() else {
        return Err(Error::NotFound(error::Entity::Session));
    };
    let mut session = Columns::of(first);
    let (title, total_messages) = (session.next()?, session.next()?);
    // There is one in each row, unless the range is empty.
    let messages = rows::read(&rows, |columns| {
        columns.skip(OF_THE_SESSION);
        columns.optional()
    })?;
    Ok(Listing { title, total_messages, messages })
}

/// The statement of [`list`]: the session, with each message of the range.
pub fn list_statement(user_id: UserId, session_id: SessionId, range: Range) -> Statement {
    let sql = if range.descending { &DESCENDING } else { &ASCENDING };
    let values: [sea_orm::Value; 5] = [
        session_id.into(),
        user_id.into(),
        range.after_sequence.into(),
        range.skip.into(),
        range.limit.into(),
    ];
    Statement::from_sql_and_values(DbBackend::Postgres, sql.as_str(), values)
}

static ASCENDING: LazyLock<String> =
    LazyLock::new(|| listing("sequence_order > $3 + $4 AND sequence_order <= $3 + $4 + $5", "ASC"));

static DESCENDING: LazyLock<String> = LazyLock::new(|| {
    let range = "sequence_order <= s.total_messages - $4
                AND sequence_order > greatest($3, s.total_messages - $4 - $5)";
    listing(range, "DESC")
});

/// How many columns of [`listing`] are the session's.
const OF_THE_SESSION: usize = 2;

/// The limit is that of the range again: it tells the planner, which can't know how long
/// the range is, that a page is short.
fn listing(range: &str, order: &str) -> String {
    format!(
        "SELECT s.title, s.total_messages, m.id IS NOT NULL, {columns}
        FROM chat_sessions s
        LEFT JOIN LATERAL (
            SELECT * FROM messages
            WHERE chat_session_id = s.id AND {range}
            ORDER BY sequence_order {order} LIMIT $5
        ) m ON true
        WHERE s.id = $1 AND s.user_id = $2 AND s.deleted_at IS NULL
        ORDER BY m.sequence_order {order}",
        columns = columns::<Entity>("m")
    )
}

/// Finds the answer that a run ended with.
#[tracing::instrument(name = "db.message.find_answer", skip_all, fields(run.id = %run_id))]
pub async fn find_answer(
    db: &impl ConnectionTrait,
    user_id: UserId,
    run_id: RunId,
) -> Result<Option<Model>, Error> {
    static SQL: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {columns} FROM messages m
            WHERE m.run_id = $1 AND m.role = 'assistant'
                AND EXISTS (SELECT FROM runs r WHERE r.id = m.run_id AND r.user_id = $2)",
            columns = columns::<Entity>("m")
        )
    });

    let values: [sea_orm::Value; 2] = [run_id.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, SQL.as_str(), values);
    Ok(rows::one(db, statement).await?)
}
