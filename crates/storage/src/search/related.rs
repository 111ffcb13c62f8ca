//! What a user has asked an agent before.

use sea_orm::{DbBackend, FromQueryResult, Statement};

use super::{Conditions, Meaning, nearest};
use crate::{AgentId, Database, Error, SessionId, UserId, memory::Turn};

/// How alike questions are at least, as their embeddings' cosine similarity: under
/// this they share no more than their language and the form of a question.
const LEAST_SIMILARITY: f64 = 0.3;

/// Which questions to find: a user's to an agent, in other sessions than one.
#[derive(Clone, Copy, Debug)]
pub struct Elsewhere {
    pub user_id: UserId,
    pub agent_id: AgentId,
    pub session_id: SessionId,
    pub limit: u16,
}

/// Finds questions of other sessions that are much alike and were answered by a
/// statement, the most alike first.
#[tracing::instrument(name = "db.search.related", skip_all, fields(session.id = %of.session_id))]
pub async fn related(db: &Database, of: Elsewhere, meaning: &Meaning) -> Result<Vec<Turn>, Error> {
    let mut conditions = Conditions::owned(of.user_id);
    conditions.with_agent(of.agent_id);
    conditions.add_of_embedding("e.chat_session_id <>", of.session_id);
    conditions.require("m.role = 'user'");
    conditions.require(
        "EXISTS (SELECT FROM runs r JOIN messages a ON a.run_id = r.id AND a.role = 'assistant'
            WHERE r.id = m.run_id AND r.state = 'succeeded' AND a.sql_query IS NOT NULL)",
    );
    let mut ranked = nearest::find(db, &conditions, meaning, of.limit).await?;
    ranked.retain(|it| LEAST_SIMILARITY <= it.score);

    let sql = format!(
        "SELECT {turn}
        FROM unnest($1::bigint[], $2::double precision[]) AS found (id, score)
        JOIN messages q ON q.id = found.id
        JOIN messages a ON a.run_id = q.run_id AND a.role = 'assistant'
        WHERE q.user_id = $3
        ORDER BY found.score DESC, q.id DESC",
        turn = Turn::COLUMNS,
    );
    let ids: Vec<i64> = ranked.iter().map(|it| it.id.0).collect();
    let scores: Vec<f64> = ranked.iter().map(|it| it.score).collect();
    let values: [sea_orm::Value; 3] = [ids.into(), scores.into(), of.user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Turn::find_by_statement(statement).all(db).await?)
}
