//! What was said in a session, in short, and what it is called. Written in the
//! background; what the user sets is left alone.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::{
    AgentId, Error, SessionId, UserId,
    entity::{
        chat_session::{COLUMN, Column, Entity},
        message::Cells,
    },
    memory::Turn,
};

/// How many messages may be missing from a session's summary: so many are sent to
/// the model word by word.
pub const UNSUMMED_MESSAGES: i64 = 20;

/// A session, as far as it takes to sum it up.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Unsummed {
    pub id: SessionId,
    pub user_id: UserId,
    pub agent_id: AgentId,
    pub total_messages: i64,
    pub is_titled: bool,
    pub context_summary: String,
    pub summary_until_sequence: i64,
    pub summary_cells: Cells,
}

/// Finds a session that is not deleted.
#[tracing::instrument(name = "db.summary.find", skip_all, fields(session.id = %id))]
pub async fn find(db: &impl ConnectionTrait, id: SessionId) -> Result<Option<Unsummed>, Error> {
    let session = Entity::find_by_id(id).filter(Column::DeletedAt.is_null());
    Ok(session.into_model::<Unsummed>().one(db).await?)
}

/// Lists the turns whose answers lie after one place and up to another, oldest first.
#[tracing::instrument(name = "db.summary.turns", skip_all, fields(session.id = %id))]
pub async fn turns(
    db: &impl ConnectionTrait,
    id: SessionId,
    after: i64,
    until: i64,
) -> Result<Vec<Turn>, Error> {
    let sql = format!(
        "SELECT {turn}
        FROM messages a
        JOIN messages q ON q.run_id = a.run_id AND q.role = 'user'
        WHERE a.chat_session_id = $1 AND a.role = 'assistant'
            AND $2 < a.sequence_order AND a.sequence_order <= $3
        ORDER BY a.sequence_order",
        turn = Turn::COLUMNS,
    );
    let values: [sea_orm::Value; 3] = [id.into(), after.into(), until.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Turn::find_by_statement(statement).all(db).await?)
}

/// Gives a session its title, unless it has or had one, or was deleted.
#[tracing::instrument(name = "db.summary.store_title", skip_all, fields(session.id = %id))]
pub async fn store_title(
    db: &impl ConnectionTrait,
    id: SessionId,
    title: String,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::Title, Expr::value(title))
        .col_expr(Column::IsTitled, Expr::value(true))
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(id))
        .filter(COLUMN.is_titled.eq(false))
        .filter(Column::DeletedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}

/// A summary of a session's messages up to a place.
#[derive(Clone, Debug)]
pub struct Summary {
    pub text: String,
    pub until_sequence: i64,
    pub cells: Cells,
}

/// Stores a session's summary, unless it has become another since `before` was found,
/// or the session was deleted.
#[tracing::instrument(name = "db.summary.store", skip_all, fields(session.id = %before.id))]
pub async fn store(
    db: &impl ConnectionTrait,
    before: &Unsummed,
    summary: Summary,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::ContextSummary, Expr::value(summary.text))
        .col_expr(Column::SummaryUntilSequence, Expr::value(summary.until_sequence))
        .col_expr(Column::SummaryCells, Expr::value(summary.cells))
        .col_expr(Column::UpdatedAt, Expr::current_timestamp())
        .filter(COLUMN.id.eq(before.id))
        .filter(COLUMN.summary_until_sequence.eq(before.summary_until_sequence))
        .filter(COLUMN.summary_cells.eq(before.summary_cells))
        .filter(Column::DeletedAt.is_null())
        .exec(db)
        .await?;
    Ok(())
}
