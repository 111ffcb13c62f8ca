//! Embeddings of messages, one each: what a message is about, as a model sees it.

mod again;

use pgvector::Vector;
use sea_orm::{
    ActiveValue::Set, DbBackend, FromQueryResult, Statement, entity::prelude::*,
    sea_query::OnConflict,
};
use sha2::{Digest as _, Sha256};

use crate::{
    AgentId, Error, MessageId, SessionId, UserId,
    background::Kind,
    entity::{
        agent::PrivacyMode,
        message::{Cells, Role},
        message_embedding::{ActiveModel, Column, Entity},
    },
};

pub use again::{BATCH, Step, finish_again, go_on_again, missing};

/// A message that may be embedded.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Message {
    pub id: MessageId,
    pub user_id: UserId,
    pub agent_id: AgentId,
    pub chat_session_id: SessionId,
    pub role: Role,
    pub content: String,
    pub sql_query: Option<String>,
    /// What of the data the content may hold.
    pub cells: Cells,
    /// Its agent's.
    pub privacy_mode: PrivacyMode,
    /// Of the text that its embedding is of, if it has one of the model.
    pub embedded_hash: Option<Vec<u8>>,
}

/// What a message's embedding is of.
#[derive(Clone, Debug)]
pub struct Embedded<'a> {
    pub message: &'a Message,
    pub hash: Vec<u8>,
}

/// Identifies a text.
pub fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// Gets messages with what is known of their embeddings by a model. Those that are
/// gone, or of a deleted session, are left out.
#[tracing::instrument(name = "db.embedding.messages", skip_all)]
pub async fn messages(
    db: &impl ConnectionTrait,
    model: &str,
    ids: impl IntoIterator<Item = i64>,
) -> Result<Vec<Message>, Error> {
    let sql = "
        SELECT m.id, m.user_id, s.agent_id, m.chat_session_id, m.role, m.content, m.sql_query,
            m.cells, a.privacy_mode, e.content_hash AS embedded_hash
        FROM messages m
        JOIN chat_sessions s ON s.id = m.chat_session_id
        JOIN agents a ON a.id = s.agent_id
        LEFT JOIN message_embeddings e ON e.message_id = m.id AND e.model = $1
        WHERE m.id = ANY($2) AND s.deleted_at IS NULL";
    let ids: Vec<i64> = ids.into_iter().collect();
    let values: [sea_orm::Value; 2] = [model.into(), ids.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Message::find_by_statement(statement).all(db).await?)
}

/// Gives messages the embeddings that the model has given the same texts of the same
/// users before, and returns which of them have got one.
#[tracing::instrument(name = "db.embedding.copy", skip_all)]
pub async fn copy(
    db: &impl ConnectionTrait,
    model: &str,
    wanted: &[Embedded<'_>],
) -> Result<Vec<MessageId>, Error> {
    #[derive(FromQueryResult)]
    struct Row {
        message_id: MessageId,
    }

    let sql = "
        INSERT INTO message_embeddings AS e
            (message_id, user_id, agent_id, chat_session_id, model, content_hash, embedding)
        SELECT m.id, m.user_id, s.agent_id, s.id, $1, wanted.hash, known.embedding
        FROM unnest($2::bigint[], $3::bytea[]) AS wanted (id, hash)
        JOIN messages m ON m.id = wanted.id
        JOIN chat_sessions s ON s.id = m.chat_session_id
        CROSS JOIN LATERAL (
            SELECT embedding FROM message_embeddings
            WHERE user_id = m.user_id AND content_hash = wanted.hash AND model = $1 LIMIT 1
        ) AS known
        ON CONFLICT (message_id) DO UPDATE SET model = excluded.model,
            content_hash = excluded.content_hash, embedding = excluded.embedding,
            created_at = now()
        RETURNING e.message_id";
    let ids: Vec<i64> = wanted.iter().map(|it| it.message.id.0).collect();
    let hashes: Vec<Vec<u8>> = wanted.iter().map(|it| it.hash.clone()).collect();
    let values: [sea_orm::Value; 3] = [model.into(), ids.into(), hashes.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| row.message_id).collect())
}

/// Stores embeddings, all or none of them, in the place of what the messages had.
#[tracing::instrument(name = "db.embedding.store", skip_all)]
pub async fn store(
    db: &impl ConnectionTrait,
    model: &str,
    embeddings: impl IntoIterator<Item = (Embedded<'_>, Vec<f32>)>,
) -> Result<(), Error> {
    let rows = embeddings.into_iter().map(|(of, embedding)| ActiveModel {
        message_id: Set(of.message.id),
        user_id: Set(of.message.user_id),
        agent_id: Set(of.message.agent_id),
        chat_session_id: Set(of.message.chat_session_id),
        model: Set(model.to_owned()),
        content_hash: Set(of.hash),
        embedding: Set(Vector::from(embedding)),
        ..Default::default()
    });
    let instead = OnConflict::column(Column::MessageId)
        .update_columns([Column::Model, Column::ContentHash, Column::Embedding])
        .value(Column::CreatedAt, Expr::current_timestamp())
        .to_owned();
    Entity::insert_many(rows).on_conflict(instead).exec_without_returning(db).await?;
    Ok(())
}

/// Has the messages of a session embedded: of a deleted session none are, and what they
/// were embedded with before may be another model.
pub(crate) async fn make_up(db: &impl ConnectionTrait, id: SessionId) -> Result<(), Error> {
    let sql = "
        INSERT INTO background_tasks (kind, subject_id)
        SELECT $1, id FROM messages WHERE chat_session_id = $2
        ON CONFLICT (kind, subject_id) DO NOTHING";
    let values: [sea_orm::Value; 2] = [Kind::Embed.name().into(), id.into()];
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}
