//! Conversations in bulk, with their embeddings.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use bytes::{BufMut as _, Bytes, BytesMut};
use futures::SinkExt as _;
use tokio_postgres::Client;

use super::Clusters;

/// Whose model the embeddings are said to be of.
pub const MODEL: &str = "builtin";
/// A binary COPY begins so, and ends with the other.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;

/// Gives users so many messages with embeddings, in a migrated database, and builds the index
/// over them; returns how long that took.
pub async fn fill(
    client: &Client,
    clusters: &mut Clusters,
    users: &[(i64, i64)],
) -> anyhow::Result<Duration> {
    const INDEX: &str = "message_embeddings_embedding_idx";
    // To build it at once is faster than row by row.
    let definition = format!("SELECT pg_get_indexdef('{INDEX}'::regclass)");
    let definition: String = client.query_one(&definition, &[]).await?.get(0);
    client.batch_execute(&format!("DROP INDEX {INDEX}")).await?;
    for (user_id, messages) in users {
        client.batch_execute(&conversation(*user_id, *messages)).await?;
        copy(client, clusters, *user_id).await?;
    }
    let began = Instant::now();
    client.batch_execute(&format!("SET maintenance_work_mem = '1GB'; {definition}")).await?;
    let built = began.elapsed();
    client.batch_execute("ANALYZE").await?;
    Ok(built)
}

/// One session with so many messages: half of them questions.
fn conversation(user_id: i64, messages: i64) -> String {
    format!(
        "WITH source AS (
            INSERT INTO data_sources (user_id, name, kind) VALUES ({user_id}, 'Data', 'dataset')
            RETURNING id
        ),
        agent AS (
            INSERT INTO agents (user_id, name, data_source_id, model, instructions,
                table_allow_list, max_rows, statement_timeout_ms)
            SELECT {user_id}, 'Agent', id, 'builtin', '', '{{}}', 100, 1000 FROM source
            RETURNING id
        ),
        session AS (
            INSERT INTO chat_sessions (user_id, agent_id, total_messages)
            SELECT {user_id}, id, {messages} FROM agent RETURNING id, agent_id
        ),
        asked AS (
            INSERT INTO runs (chat_session_id, agent_id, user_id, question, state, admitted_at,
                wake_at, ended_at, expires_at)
            SELECT id, agent_id, {user_id}, 'question', 'succeeded', now(), NULL, now(), now()
            FROM session, generate_series(1, ({messages} + 1) / 2)
            RETURNING id, chat_session_id
        ),
        turns AS (SELECT *, row_number() OVER (ORDER BY id) AS turn FROM asked)
        INSERT INTO messages (chat_session_id, user_id, run_id, role, content, sequence_order,
            finish_reason)
        SELECT chat_session_id, {user_id}, id, role, 'message ' || place, place,
            CASE role WHEN 'assistant' THEN 'stop' END
        FROM turns, LATERAL (VALUES ('user', 2 * turn - 1), ('assistant', 2 * turn))
            AS one (role, place)
        WHERE place <= {messages}"
    )
}

async fn copy(client: &Client, clusters: &mut Clusters, user_id: i64) -> anyhow::Result<()> {
    let messages = "SELECT m.id, s.agent_id, s.id FROM messages m
        JOIN chat_sessions s ON s.id = m.chat_session_id WHERE m.user_id = $1 ORDER BY m.id";
    let messages = client.query(messages, &[&user_id]).await?;
    let copy = "COPY message_embeddings (message_id, user_id, agent_id, chat_session_id, model,
        content_hash, embedding) FROM STDIN (FORMAT binary)";
    let mut sink = pin!(client.copy_in::<_, Bytes>(copy).await?);
    sink.send(Bytes::from_static(HEADER)).await?;
    for message in messages {
        let [message_id, agent_id, session_id] = [0, 1, 2].map(|it| message.get::<_, i64>(it));
        let mut row = BytesMut::new();
        row.put_i16(7);
        for id in [message_id, user_id, agent_id, session_id] {
            field(&mut row, &id.to_be_bytes());
        }
        field(&mut row, MODEL.as_bytes());
        field(&mut row, &message_id.to_be_bytes());
        field(&mut row, &binary(&clusters.vector()));
        sink.send(row.freeze()).await?;
    }
    sink.send(Bytes::copy_from_slice(&TRAILER.to_be_bytes())).await?;
    sink.finish().await?;
    Ok(())
}

fn field(row: &mut BytesMut, value: &[u8]) {
    row.put_i32(i32::try_from(value.len()).expect("fields are short"));
    row.put_slice(value);
}

/// As pgvector sends and takes it: how many numbers, nothing, the numbers.
fn binary(vector: &[f32]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_i16(i16::try_from(vector.len()).expect("vectors are short"));
    bytes.put_i16(0);
    vector.iter().for_each(|it| bytes.put_f32(*it));
    bytes
}
