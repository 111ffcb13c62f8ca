//! Finding messages: by what they are about, by their words, or by both.
//!
//! The owner is a part of every statement, and of both indexes that are asked.

mod bounds;
mod conditions;
mod nearest;
mod related;
mod words;

use std::collections::HashMap;

use pgvector::Vector;
use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::{
    AgentId, Database, Error, MessageId, SessionId, UserId,
    columns::columns,
    entity::{
        agent,
        message::{self, Role},
    },
    error, sessions,
};
use conditions::Conditions;

pub use nearest::EXACT_UP_TO;
pub use related::{Elsewhere, related};

/// How much a rank counts in a fusion: the further down, the more alike (Cormack,
/// Clarke and Büttcher, 2009).
const FUSION: f64 = 60.0;

/// Which of a user's messages to find.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter {
    pub session_id: Option<SessionId>,
    pub agent_id: Option<AgentId>,
    pub role: Option<Role>,
    pub created_after: Option<DateTimeUtc>,
    pub created_before: Option<DateTimeUtc>,
}

/// Whose messages to find, which of them, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    pub user_id: UserId,
    pub filter: Filter,
    pub limit: u16,
}

/// A text as a model sees it. Messages that the model has not embedded are not found.
#[derive(Clone, Debug)]
pub struct Meaning {
    pub model: String,
    pub embedding: Vec<f32>,
}

impl Meaning {
    fn vector(&self) -> Vector {
        Vector::from(self.embedding.clone())
    }
}

/// A message that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub message: message::Model,
    pub session_title: String,
    pub agent_id: AgentId,
    /// How well it fits, compared to others of the same search.
    pub score: f64,
}

/// A message, and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq, FromQueryResult)]
struct Ranked {
    id: MessageId,
    score: f64,
}

/// Checks that what the filter names is the user's. An agent may be deleted.
#[tracing::instrument(name = "db.search.check", skip_all, fields(user.id = %user_id))]
pub async fn check(
    db: &impl ConnectionTrait,
    user_id: UserId,
    filter: &Filter,
) -> Result<(), Error> {
    if let Some(id) = filter.session_id {
        sessions::get(db, user_id, id).await?;
    }
    if let Some(id) = filter.agent_id {
        let is_owner = agent::COLUMN.user_id.eq(user_id);
        let found = agent::Entity::find_by_id(id).filter(is_owner).one(db).await?;
        found.ok_or(Error::NotFound(error::Entity::Agent))?;
    }
    Ok(())
}

/// Finds the messages that are nearest in meaning, nearest first, with their cosine
/// similarity: as many as were asked for, if there are as many.
#[tracing::instrument(name = "db.search.by_meaning", skip_all, fields(user.id = %query.user_id))]
pub async fn by_meaning(
    db: &Database,
    query: &Query,
    meaning: &Meaning,
) -> Result<Vec<Found>, Error> {
    let ranked = nearest::find(db, &Conditions::of(query), meaning, query.limit).await?;
    load(db, query.user_id, &ranked).await
}

/// The statement of [`by_meaning`] that compares one by one.
pub fn comparing_statement(query: &Query, meaning: &Meaning) -> Statement {
    nearest::exact_statement(Conditions::of(query), meaning, query.limit, EXACT_UP_TO)
}

/// The statements of [`by_meaning`] in a transaction, when the index is asked.
pub fn index_statements(query: &Query, meaning: &Meaning) -> [Statement; 3] {
    let statement = nearest::approximate_statement(Conditions::of(query), meaning, query.limit);
    [bounds::settings(), nearest::settings(query.limit), statement]
}

/// Finds messages by their words, the best first.
#[tracing::instrument(name = "db.search.by_words", skip_all, fields(user.id = %query.user_id))]
pub async fn by_words(db: &Database, query: &Query, text: &str) -> Result<Vec<Found>, Error> {
    let ranked = words::find(db, query, text, query.limit).await?;
    load(db, query.user_id, &ranked).await
}

/// The statement of [`by_words`], before the messages are read; `None` if the search
/// asks for no word.
pub fn words_statement(query: &Query, text: &str) -> Option<Statement> {
    words::statement(query, text, query.limit)
}

/// Finds messages by both, joined by reciprocal rank fusion.
#[tracing::instrument(name = "db.search.by_both", skip_all, fields(user.id = %query.user_id))]
pub async fn by_both(
    db: &Database,
    query: &Query,
    text: &str,
    meaning: &Meaning,
) -> Result<Vec<Found>, Error> {
    // What is far down in one list may be far up in the other.
    let depth = query.limit.saturating_mul(5).max(50);
    let conditions = Conditions::of(query);
    let (by_meaning, by_words) = tokio::try_join!(
        nearest::find(db, &conditions, meaning, depth),
        words::find(db, query, text, depth),
    )?;
    let mut ranked = fuse([&by_meaning, &by_words]);
    ranked.truncate(query.limit.into());
    load(db, query.user_id, &ranked).await
}

/// Joins lists by the sums of the reciprocal ranks; of equals the newest comes first.
fn fuse<'a>(lists: impl IntoIterator<Item = &'a Vec<Ranked>>) -> Vec<Ranked> {
    let mut scores = HashMap::<MessageId, f64>::new();
    for list in lists {
        for (place, it) in (1_u16..).zip(list) {
            *scores.entry(it.id).or_default() += 1.0 / (FUSION + f64::from(place));
        }
    }
    let mut ranked: Vec<Ranked> =
        scores.into_iter().map(|(id, score)| Ranked { id, score }).collect();
    ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(b.id.cmp(&a.id)));
    ranked
}

/// Gets what was found, in its order. Those whose session was deleted meanwhile are
/// left out.
async fn load(
    db: &impl ConnectionTrait,
    user_id: UserId,
    ranked: &[Ranked],
) -> Result<Vec<Found>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        session_title: String,
        agent_id: AgentId,
        #[sea_orm(nested)]
        message: message::Model,
    }

    let sql = format!(
        "SELECT s.title AS session_title, s.agent_id, {columns}
        FROM unnest($1::bigint[]) WITH ORDINALITY AS found (id, place)
        JOIN messages m ON m.id = found.id
        JOIN chat_sessions s ON s.id = m.chat_session_id
        WHERE m.user_id = $2 AND s.user_id = $2 AND s.deleted_at IS NULL
        ORDER BY found.place",
        columns = columns::<message::Entity>("m"),
    );
    let ids: Vec<i64> = ranked.iter().map(|it| it.id.0).collect();
    let values: [sea_orm::Value; 2] = [ids.into(), user_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    let scores: HashMap<MessageId, f64> = ranked.iter().map(|it| (it.id, it.score)).collect();
    let found = rows.into_iter().map(|Row { message, session_title, agent_id }| {
        let score = scores[&message.id];
        Found { message, session_title, agent_id, score }
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(ids: &[i64]) -> Vec<Ranked> {
        ids.iter().map(|id| Ranked { id: MessageId(*id), score: 0.5 }).collect()
    }

    fn ids(ranked: &[Ranked]) -> Vec<i64> {
        ranked.iter().map(|it| it.id.0).collect()
    }

    #[test]
    fn what_is_far_up_in_both_lists_comes_before_what_is_first_in_one() {
        assert_eq!(ids(&fuse([&ranked(&[1, 2, 3]), &ranked(&[4, 2, 5])])), [2, 4, 1, 5, 3]);
        assert_eq!(ids(&fuse([&ranked(&[]), &ranked(&[7, 9])])), [7, 9]);
        assert_eq!(fuse([&ranked(&[]), &ranked(&[])]), []);
    }

    #[test]
    fn a_score_is_the_sum_of_the_reciprocal_ranks() {
        let fused = fuse([&ranked(&[1]), &ranked(&[2, 1])]);
        assert_eq!(fused[0], Ranked { id: MessageId(1), score: 1.0 / 61.0 + 1.0 / 62.0 });
        assert_eq!(fused[1], Ranked { id: MessageId(2), score: 1.0 / 61.0 });
    }
}
