//! Having all messages embedded with another model, in steps that can be stopped and
//! gone on with.

use sea_orm::{DbBackend, FromQueryResult, Statement, entity::prelude::*};

use crate::{Error, MessageId, background::Kind};

/// How many messages a step looks at.
pub const BATCH: i64 = 1_000;

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Step {
    /// How many messages it looked at: fewer than [`BATCH`] are the last.
    pub seen: i64,
    /// How many of them are to be embedded.
    pub enqueued: i64,
    /// How far all steps together have come.
    pub last_message_id: MessageId,
}

/// Looks at the next messages after those of the last step, and has those embedded
/// that have no embedding by the model.
#[tracing::instrument(name = "db.embedding.go_on_again", skip_all)]
pub async fn go_on_again(db: &impl ConnectionTrait, model: &str) -> Result<Step, Error> {
    let begin = "INSERT INTO reembeddings (model) VALUES ($1) ON CONFLICT (model) DO NOTHING";
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, begin, [model.into()]))
        .await?;
    let sql = "
        WITH progress AS MATERIALIZED (
            SELECT last_message_id FROM reembeddings WHERE model = $1 FOR UPDATE
        ),
        seen AS MATERIALIZED (
            SELECT m.id, e.message_id IS NULL AND s.deleted_at IS NULL AS is_wanted
            FROM (
                SELECT id, chat_session_id FROM messages
                WHERE id > (SELECT last_message_id FROM progress) ORDER BY id LIMIT $2
            ) AS m
            JOIN chat_sessions s ON s.id = m.chat_session_id
            LEFT JOIN message_embeddings e ON e.message_id = m.id AND e.model = $1
        ),
        enqueued AS (
            INSERT INTO background_tasks (kind, subject_id)
            SELECT $3, id FROM seen WHERE is_wanted
            ON CONFLICT (kind, subject_id) DO NOTHING
            RETURNING subject_id
        ),
        moved AS (
            UPDATE reembeddings SET updated_at = now(),
                last_message_id = greatest(last_message_id, (SELECT max(id) FROM seen))
            WHERE model = $1
            RETURNING last_message_id
        )
        SELECT (SELECT count(*) FROM seen) AS seen, (SELECT count(*) FROM enqueued) AS enqueued,
            last_message_id
        FROM moved";
    let values: [sea_orm::Value; 3] = [model.into(), BATCH.into(), Kind::Embed.name().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let step = Step::find_by_statement(statement).one(db).await?;
    // Another may have finished in between, and taken the row away.
    Ok(step.unwrap_or(Step { seen: 0, enqueued: 0, last_message_id: MessageId(0) }))
}

/// Forgets how far it has come: it is through, and the next time begins anew.
#[tracing::instrument(name = "db.embedding.finish_again", skip_all)]
pub async fn finish_again(db: &impl ConnectionTrait, model: &str) -> Result<(), Error> {
    let sql = "DELETE FROM reembeddings WHERE model = $1";
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, [model.into()]))
        .await?;
    Ok(())
}

/// Counts the messages that have no embedding by the model, without those of deleted
/// sessions.
#[tracing::instrument(name = "db.embedding.missing", skip_all)]
pub async fn missing(db: &impl ConnectionTrait, model: &str) -> Result<i64, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        missing: i64,
    }

    let sql = "SELECT count(*) AS missing FROM messages m
        JOIN chat_sessions s ON s.id = m.chat_session_id
        WHERE s.deleted_at IS NULL AND NOT EXISTS (
            SELECT FROM message_embeddings e WHERE e.message_id = m.id AND e.model = $1
        )";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [model.into()]);
    let row = Row::find_by_statement(statement).one(db).await?;
    Ok(row.expect("a count is one row").missing)
}
