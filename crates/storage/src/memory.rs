//! What was said before in a conversation, for its agent to go on from.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::{
    Error, SessionId,
    entity::message::{Cells, FinishReason},
    error,
};

/// A question that was asked before, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Turn {
    pub question: String,
    pub answer: String,
    /// The statement that produced the answer.
    pub sql_query: Option<String>,
    pub finish_reason: FinishReason,
    /// What of the data the answer may hold.
    pub cells: Cells,
}

impl Turn {
    /// Its columns, of a question `q` and its answer `a`.
    pub(crate) const COLUMNS: &str =
        "q.content AS question, a.content AS answer, a.sql_query, a.finish_reason, a.cells";
}

/// What a conversation has come to.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub summary: String,
    /// What of the data the summary may hold.
    pub summary_cells: Option<Cells>,
    /// The last turns that have ended, oldest first.
    pub turns: Vec<Turn>,
}

/// Reads the summary and the last turns of a session, at most `limit`.
#[tracing::instrument(name = "db.memory.of_session", skip_all, fields(session.id = %session_id))]
pub async fn of_session(
    db: &impl ConnectionTrait,
    session_id: SessionId,
    limit: i64,
) -> Result<Memory, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        context_summary: String,
        summary_cells: Cells,
        #[sea_orm(nested)]
        turn: Option<Turn>,
    }

    let sql = format!(
        "SELECT s.context_summary, s.summary_cells, {turn}
        FROM chat_sessions s
        LEFT JOIN LATERAL (
            SELECT * FROM messages
            WHERE chat_session_id = s.id AND role = 'assistant'
            ORDER BY sequence_order DESC LIMIT $2
        ) a ON true
        LEFT JOIN messages q ON q.run_id = a.run_id AND q.role = 'user'
        WHERE s.id = $1
        ORDER BY a.sequence_order DESC",
        turn = Turn::COLUMNS,
    );
    let values: [sea_orm::Value; 2] = [session_id.into(), limit.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let mut rows = Row::find_by_statement(statement).all(db).await?;
    rows.reverse();
    let Some(first) = rows.first() else {
        return Err(Error::NotFound(error::Entity::Session));
    };
    Ok(Memory {
        summary: first.context_summary.clone(),
        summary_cells: Some(first.summary_cells),
        turns: rows.into_iter().filter_map(|row| row.turn).collect(),
    })
}
