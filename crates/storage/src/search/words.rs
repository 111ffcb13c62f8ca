//! Messages that hold words.

mod syntax;

use sea_orm::{DbBackend, FromQueryResult as _, Statement};

use super::{Conditions, Query, Ranked, bounds};
use crate::{Database, Error};
use syntax::Term;

/// How many messages are compared: of more, the newest. A rank is computed from all
/// words of a message.
const MAX_RANKED: i64 = 500;
/// In how many messages with its words a phrase is looked for: in more, in the newest.
/// The index knows the words, and not where they stand.
const MAX_READ: i64 = 5_000;

/// Finds the messages that fit a search best.
pub(super) async fn find(
    db: &Database,
    query: &Query,
    text: &str,
    limit: u16,
) -> Result<Vec<Ranked>, Error> {
    let Some(statement) = statement(query, text, limit) else { return Ok(Vec::new()) };
    let tx = bounds::begin(db).await?;
    let ranked = Ranked::find_by_statement(statement).all(&tx).await?;
    tx.commit().await?;
    Ok(ranked)
}

/// The statement that does; `None` if the search asks for no word.
///
/// A word is looked for in both languages, in each as it is stemmed there. What is a
/// stop word in either says nothing. All is folded first, as the messages' words are.
pub(super) fn statement(query: &Query, text: &str, limit: u16) -> Option<Statement> {
    let terms = syntax::terms(text);
    if terms.is_empty() {
        return None;
    }
    let mut conditions = Conditions::of(query);
    let [alternatives, words, excluded] = places(&mut conditions, terms);
    let limit = conditions.place(i64::from(limit));
    let sql = format!(
        "WITH terms AS MATERIALIZED (
            SELECT alternative, is_excluded, phrase <> words AS is_phrase,
                CASE WHEN is_excluded THEN '!' ELSE '' END || '(' || phrase::text || ')' AS phrase,
                CASE WHEN is_excluded THEN '!' ELSE '' END || '(' || words::text || ')' AS words
            FROM unnest({alternatives}::integer[], {words}::text[], {excluded}::boolean[])
                    AS term (alternative, text, is_excluded),
                fold_portuguese(text) AS portuguese, fold_text(text) AS english,
                LATERAL (SELECT
                    phraseto_tsquery('portuguese', portuguese)
                        || phraseto_tsquery('english', english) AS phrase,
                    plainto_tsquery('portuguese', portuguese)
                        || plainto_tsquery('english', english) AS words
                ) AS both_languages
            WHERE 0 < numnode(plainto_tsquery('portuguese', portuguese))
                AND 0 < numnode(plainto_tsquery('english', english))
        ),
        wanted AS MATERIALIZED (
            SELECT string_agg('(' || phrases || ')', ' | ')::tsquery AS phrases,
                string_agg('(' || words || ')', ' | ')::tsquery
                    && quote_literal('owner:' || $1)::tsquery AS words,
                CASE WHEN bool_or(has_phrase) THEN {MAX_READ} ELSE {MAX_RANKED} END AS most
            FROM (
                SELECT string_agg(phrase, ' & ') AS phrases,
                    -- What must not stand together may well occur.
                    string_agg(words, ' & ') FILTER (WHERE NOT (is_excluded AND is_phrase))
                        AS words,
                    bool_or(is_phrase) AS has_phrase
                FROM terms GROUP BY alternative HAVING NOT bool_and(is_excluded)
            ) AS alternatives
        ),
        -- Apart from what is joined to it: what the index finds for a search is not known
        -- beforehand, and it would be asked again for each of the sessions.
        holding AS MATERIALIZED (
            SELECT m.id, m.chat_session_id FROM messages m
            WHERE m.words @@ (SELECT words FROM wanted) AND {of_message}
        ),
        candidates AS MATERIALIZED (
            SELECT holding.id
            FROM holding JOIN chat_sessions s ON s.id = holding.chat_session_id
            WHERE {of_session}
            ORDER BY holding.id DESC LIMIT (SELECT most FROM wanted)
        ),
        hits AS MATERIALIZED (
            SELECT m.id, m.words
            FROM candidates JOIN messages m ON m.id = candidates.id
            WHERE m.words @@ (SELECT phrases FROM wanted)
            ORDER BY m.id DESC LIMIT {MAX_RANKED}
        )
        SELECT id, ts_rank_cd(hits.words, wanted.phrases)::double precision AS score
        FROM hits, wanted ORDER BY score DESC, id DESC LIMIT {limit}",
        of_message = conditions.of_message(),
        of_session = conditions.of_session(),
    );
    Some(Statement::from_sql_and_values(DbBackend::Postgres, sql, conditions.values))
}

fn places(conditions: &mut Conditions, terms: Vec<Term>) -> [String; 3] {
    let alternatives: Vec<i32> = terms.iter().map(|it| it.alternative).collect();
    let excluded: Vec<bool> = terms.iter().map(|it| it.is_excluded).collect();
    let words: Vec<String> = terms.into_iter().map(|it| it.text).collect();
    [conditions.place(alternatives), conditions.place(words), conditions.place(excluded)]
}
