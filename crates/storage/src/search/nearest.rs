//! The embeddings that are nearest to another.
//!
//! Few are compared one by one, which misses none. Of many the index over all users'
//! embeddings gives the nearest of this user's, and almost always the right ones.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use super::{Conditions, Meaning, Ranked, bounds};
use crate::{Database, Error, MessageId};

/// How many embeddings are compared one by one: that takes some 50 ms.
pub const EXACT_UP_TO: i64 = 5_000;
/// More are, if they are so few of all that the index would have to be gone through so
/// far to find what was asked for.
const FAR: i64 = 10_000;
/// Of how many near embeddings the index keeps track at least while it looks for the
/// nearest. The more, the fewer it misses.
const BREADTH: u16 = 200;
/// The most that it can.
const MAX_BREADTH: u16 = 1_000;

/// Finds the nearest embeddings that fulfil the conditions.
pub(super) async fn find(
    db: &Database,
    conditions: &Conditions,
    meaning: &Meaning,
    limit: u16,
) -> Result<Vec<Ranked>, Error> {
    if let Some(ranked) = compare(db, conditions, meaning, limit, EXACT_UP_TO).await? {
        return Ok(ranked);
    }
    let ranked = approximate(db, conditions, meaning, limit).await?;
    if ranked.len() == usize::from(limit) {
        return Ok(ranked);
    }
    // The index has given up, after so many embeddings of others.
    let compared = compare(db, conditions, meaning, limit, i64::MAX - 1).await?;
    Ok(compared.unwrap_or(ranked))
}

/// Compares all embeddings that fulfil the conditions, unless they are more than `most`
/// and not few of all.
async fn compare(
    db: &Database,
    conditions: &Conditions,
    meaning: &Meaning,
    limit: u16,
    most: i64,
) -> Result<Option<Vec<Ranked>>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        is_too_many: bool,
        id: Option<MessageId>,
        score: Option<f64>,
    }

    let statement = exact_statement(conditions.clone(), meaning, limit, most);
    let tx = bounds::begin(db).await?;
    let rows = Row::find_by_statement(statement).all(&tx).await?;
    tx.commit().await?;
    if rows.first().is_some_and(|row| row.is_too_many) {
        return Ok(None);
    }
    let ranked = rows.into_iter().filter_map(|row| Some(Ranked { id: row.id?, score: row.score? }));
    Ok(Some(ranked.collect()))
}

pub(super) fn exact_statement(
    mut conditions: Conditions,
    meaning: &Meaning,
    limit: u16,
    most: i64,
) -> Statement {
    let model = conditions.place(meaning.model.as_str());
    let vector = conditions.place(meaning.vector());
    let (limit, most) = (conditions.place(i64::from(limit)), conditions.place(most));
    let sql = format!(
        "WITH bound AS MATERIALIZED (
            SELECT greatest({most}, ({limit} * reltuples / {FAR})::bigint) AS most
            FROM pg_class WHERE oid = 'message_embeddings'::regclass
        ),
        -- Read no further than the next goes on.
        owned AS MATERIALIZED (
            SELECT e.message_id, e.chat_session_id, e.embedding FROM message_embeddings e
            WHERE e.model = {model} AND {of_embedding}
        ),
        candidates AS MATERIALIZED (
            SELECT owned.message_id, owned.embedding
            FROM owned JOIN chat_sessions s ON s.id = owned.chat_session_id
            WHERE {of_session}
            LIMIT (SELECT most + 1 FROM bound)
        ),
        counted AS MATERIALIZED (
            SELECT count(*) > (SELECT most FROM bound) AS is_too_many FROM candidates
        ),
        nearest AS MATERIALIZED (
            SELECT message_id AS id, 1 - (embedding <=> {vector}) AS score FROM candidates
            WHERE NOT (SELECT is_too_many FROM counted)
            ORDER BY score DESC, id DESC LIMIT {limit}
        )
        SELECT is_too_many, id, score FROM counted LEFT JOIN nearest ON true
        ORDER BY score DESC, id DESC",
        of_embedding = conditions.of_embedding(),
        of_session = conditions.of_session(),
    );
    Statement::from_sql_and_values(DbBackend::Postgres, sql, conditions.values)
}

/// Asks the index. What it has found does not suffice, if it is fewer than `limit`.
async fn approximate(
    db: &Database,
    conditions: &Conditions,
    meaning: &Meaning,
    limit: u16,
) -> Result<Vec<Ranked>, Error> {
    let tx = bounds::begin(db).await?;
    tx.execute_raw(settings(limit)).await?;
    let statement = approximate_statement(conditions.clone(), meaning, limit);
    let ranked = Ranked::find_by_statement(statement).all(&tx).await?;
    tx.commit().await?;
    Ok(ranked)
}

/// Sets for a transaction how the index is asked: again and again, until so many were
/// found that fulfil the conditions; and that it is asked, and nothing else is sorted.
pub(super) fn settings(limit: u16) -> Statement {
    let breadth = limit.saturating_mul(4).clamp(BREADTH, MAX_BREADTH).to_string();
    let sql = "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
        set_config('hnsw.ef_search', $1, true),
        -- Beyond these it goes on with what it has seen, near or not.
        set_config('hnsw.max_scan_tuples', '200000', true),
        set_config('hnsw.scan_mem_multiplier', '16', true),
        set_config('enable_sort', 'off', true)";
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [breadth.into()])
}

pub(super) fn approximate_statement(
    mut conditions: Conditions,
    meaning: &Meaning,
    limit: u16,
) -> Statement {
    let model = conditions.place(meaning.model.as_str());
    let vector = conditions.place(meaning.vector());
    let limit = conditions.place(i64::from(limit));
    let sql = format!(
        "WITH nearest AS MATERIALIZED (
            SELECT e.message_id AS id, e.embedding <=> {vector} AS distance
            FROM message_embeddings e JOIN chat_sessions s ON s.id = e.chat_session_id
            WHERE e.model = {model} AND {of_embedding} AND {of_session}
            ORDER BY e.embedding <=> {vector} LIMIT {limit}
        )
        SELECT id, 1 - distance AS score FROM nearest ORDER BY score DESC, id DESC",
        of_embedding = conditions.of_embedding(),
        of_session = conditions.of_session(),
    );
    Statement::from_sql_and_values(DbBackend::Postgres, sql, conditions.values)
}
