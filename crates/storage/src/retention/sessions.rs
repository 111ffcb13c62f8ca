//! Sessions whose time is over.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use super::piece;
use crate::{AgentId, Database, Error, SessionId, Transaction, UserId, user_data};

/// How many agents a step looks at, and how many sessions of each it hides.
const AGENTS: i64 = 50;
const SESSIONS_EACH: i64 = 10;
/// How many sessions a piece may be of. Most are small.
const SESSIONS: i64 = 20;

/// What a step of [`expire`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Page {
    /// How many sessions it has hidden.
    pub hidden: i64,
    /// The last agent it looked at; `None`: there is none after `after`.
    pub last: Option<AgentId>,
}

/// Hides sessions of some agents, those after `after`, that had no activity for longer than
/// their agents keep them: they can't be brought back. One with an unfinished run is not
/// idle.
#[tracing::instrument(name = "db.retention.expire", skip_all)]
pub async fn expire(db: &Database, after: AgentId) -> Result<Page, Error> {
    let sql = format!(
        "WITH page AS MATERIALIZED (
            SELECT id, conversation_retention_seconds * interval '1 second' AS kept FROM agents
            WHERE conversation_retention_seconds IS NOT NULL AND id > $1 ORDER BY id LIMIT $2
        ),
        idle AS MATERIALIZED (
            SELECT session.id FROM page, LATERAL (
                SELECT s.id FROM chat_sessions s
                WHERE s.agent_id = page.id AND s.last_activity < now() - page.kept
                    AND (s.purge_at IS NULL OR now() < s.purge_at)
                    AND {IDLE}
                ORDER BY s.last_activity LIMIT $3 FOR NO KEY UPDATE OF s SKIP LOCKED
            ) AS session
        ),
        hidden AS (
            UPDATE chat_sessions SET deleted_at = coalesce(deleted_at, now()), purge_at = now()
            WHERE id IN (SELECT id FROM idle)
            RETURNING id
        )
        SELECT (SELECT count(*) FROM hidden) AS hidden, (SELECT max(id) FROM page) AS last"
    );
    let values: [sea_orm::Value; 3] = [after.into(), AGENTS.into(), SESSIONS_EACH.into()];
    let tx = piece(db).await?;
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let page = Page::find_by_statement(statement).one(&tx).await?;
    tx.commit().await?;
    Ok(page.expect("a SELECT without FROM has a row"))
}

/// What a piece has purged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Purged {
    pub sessions: i64,
    pub messages: i64,
    pub embeddings: i64,
    pub runs: i64,
    pub results: i64,
}

impl Purged {
    /// Whether there was anything to do.
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }
}

/// Purges up to `limit` runs, with their messages and results, of sessions that are due, and
/// those sessions of which nothing is left; of one user at a time, if not of this one only.
///
/// A session is due some seconds after its last run has ended, for those who follow it hear
/// of the end. Its newest turns go first: the numbers of those that are left stay dense.
#[tracing::instrument(name = "db.retention.purge_sessions", skip_all)]
pub async fn purge_sessions(
    db: &Database,
    user_id: Option<UserId>,
    limit: i64,
) -> Result<Purged, Error> {
    let tx = piece(db).await?;
    let user_id = match user_id {
        Some(user_id) => user_id,
        None => match next_user(&tx).await? {
            Some(user_id) => user_id,
            None => return Ok(Purged::default()),
        },
    };
    let sessions = take(&tx, user_id).await?;
    if sessions.is_empty() {
        return Ok(Purged::default());
    }
    let deletion_id = user_data::unfinished(&tx, user_id).await?;
    let mut purged = purge_runs(&tx, &sessions, limit, deletion_id).await?;
    purged.sessions = purge_empty(&tx, &sessions).await?;
    if let Some(deletion_id) = deletion_id {
        user_data::count(&tx, deletion_id, &purged).await?;
    }
    tx.commit().await?;
    Ok(purged)
}

/// Sessions without an unfinished run. The `OFFSET` has Postgres ask for each session by the index;
/// without, where it last saw no unfinished run, it would read all of them for each session.
const IDLE: &str = "NOT EXISTS (
        SELECT FROM runs r WHERE r.chat_session_id = s.id AND r.ended_at IS NULL OFFSET 0
    )";

/// Sessions that can go, if they are idle.
const DUE: &str = "s.purge_at <= now() AND s.updated_at < now() - interval '10 seconds'
    AND coalesce((
        SELECT r.ended_at < now() - interval '10 seconds' FROM runs r
        WHERE r.chat_session_id = s.id ORDER BY r.id DESC LIMIT 1
    ), true)";

async fn next_user(tx: &Transaction) -> Result<Option<UserId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        user_id: UserId,
    }

    let sql = format!(
        "SELECT s.user_id FROM chat_sessions s WHERE {DUE} AND {IDLE}
        ORDER BY s.purge_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    );
    let row = Row::find_by_statement(Statement::from_string(DbBackend::Postgres, sql)).one(tx);
    Ok(row.await?.map(|row| row.user_id))
}

/// Locks some of a user's sessions that are due. From their first piece on nobody can bring
/// them back, however late his clock is.
async fn take(tx: &Transaction, user_id: UserId) -> Result<Vec<i64>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        id: SessionId,
    }

    let sql = format!(
        "UPDATE chat_sessions SET purge_at = 'epoch' WHERE id IN (
            SELECT s.id FROM chat_sessions s WHERE s.user_id = $1 AND {DUE} AND {IDLE}
            ORDER BY s.purge_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        RETURNING id"
    );
    let values: [sea_orm::Value; 2] = [user_id.into(), SESSIONS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = Row::find_by_statement(statement).all(tx).await?;
    Ok(rows.into_iter().map(|row| row.id.0).collect())
}

/// Purges the newest runs of sessions that are locked. Of those whose events may still be in
/// the log, it notes that, if they are purged for a user.
async fn purge_runs(
    tx: &Transaction,
    sessions: &[i64],
    limit: i64,
    deletion_id: Option<i64>,
) -> Result<Purged, Error> {
    let sql = "
        WITH doomed AS MATERIALIZED (
            SELECT id FROM runs WHERE chat_session_id = ANY($1)
            ORDER BY chat_session_id DESC, id DESC LIMIT $2
        ),
        said AS MATERIALIZED (
            SELECT m.id FROM messages m WHERE m.run_id IN (SELECT id FROM doomed)
        ),
        tasks AS (
            DELETE FROM background_tasks
            WHERE kind = 'embed' AND subject_id IN (SELECT id FROM said)
        ),
        embeddings AS (
            DELETE FROM message_embeddings WHERE message_id IN (SELECT id FROM said)
            RETURNING message_id
        ),
        unsaid AS (
            DELETE FROM messages WHERE id IN (SELECT id FROM said) RETURNING chat_session_id
        ),
        results AS (
            DELETE FROM run_results WHERE run_id IN (SELECT id FROM doomed) RETURNING run_id
        ),
        gone AS (
            DELETE FROM runs WHERE id IN (SELECT id FROM doomed) RETURNING id, ended_at
        ),
        events AS (
            INSERT INTO run_event_purges (run_id, deletion_id, expires_at)
            SELECT id, $3, ended_at + interval '25 hours' FROM gone
            WHERE $3 IS NOT NULL AND now() < ended_at + interval '25 hours'
        ),
        shorter AS (
            UPDATE chat_sessions SET total_messages = total_messages - unsaid.messages
            FROM (SELECT chat_session_id, count(*) AS messages FROM unsaid GROUP BY 1) AS unsaid
            WHERE chat_sessions.id = unsaid.chat_session_id
        )
        SELECT 0::bigint AS sessions, (SELECT count(*) FROM unsaid) AS messages,
            (SELECT count(*) FROM embeddings) AS embeddings, (SELECT count(*) FROM gone) AS runs,
            (SELECT count(*) FROM results) AS results";
    let values: [sea_orm::Value; 3] = [sessions.to_vec().into(), limit.into(), deletion_id.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let purged = Purged::find_by_statement(statement).one(tx).await?;
    Ok(purged.expect("a SELECT without FROM has a row"))
}

/// Purges those sessions that have no run left.
async fn purge_empty(tx: &Transaction, sessions: &[i64]) -> Result<i64, Error> {
    let sql = "
        WITH empty AS MATERIALIZED (
            SELECT id FROM chat_sessions WHERE id = ANY($1) AND NOT EXISTS (
                SELECT FROM runs WHERE runs.chat_session_id = chat_sessions.id
            )
        ),
        tasks AS (
            DELETE FROM background_tasks
            WHERE kind = 'summarize' AND subject_id IN (SELECT id FROM empty)
        )
        DELETE FROM chat_sessions WHERE id IN (SELECT id FROM empty)";
    let values: [sea_orm::Value; 1] = [sessions.to_vec().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let purged = tx.execute_raw(statement).await?.rows_affected();
    Ok(i64::try_from(purged).expect("a piece has few rows"))
}
