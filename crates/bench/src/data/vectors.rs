//! Embeddings of messages, for those that search by meaning.

use std::time::{Duration, Instant};

use clusters::Clusters;
use tokio_postgres::Row as Found;

use super::{Scale, connect, copy::Copy, indexes};
use crate::setup::Setup;

/// Whose the service embeds questions with, by default.
const MODEL: &str = "builtin";
const SEED: u64 = 4;
const TABLE: &str = "message_embeddings";
const COLUMNS: &str = "message_embeddings (message_id, user_id, agent_id, chat_session_id, model, \
     content_hash, embedding)";

/// One of so many, the oldest by their ids: those of the first users, half of them of the longest
/// conversation.
const MESSAGES: &str = "
    SELECT m.id, m.user_id, s.agent_id, s.id FROM messages m
    JOIN chat_sessions s ON s.id = m.chat_session_id
    WHERE m.id % $1 = 0 ORDER BY m.id LIMIT $2";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) count: i64,
    /// Most of it goes to the index.
    pub(crate) took: Duration,
}

/// How many there are, and of how many messages each is one.
fn count_and_step(scale: Scale) -> (i64, i64) {
    match scale {
        Scale::Quick => (20_000, 5),
        Scale::One => (100_000, 1),
    }
}

pub(crate) async fn add(setup: &Setup, scale: Scale) -> anyhow::Result<Added> {
    let began = Instant::now();
    let client = connect(&setup.postgres.url).await?;
    let dropped = indexes::drop_all(&client, &[TABLE]).await?;
    let mut clusters = Clusters::new(SEED);
    let mut copy = Copy::begin(&client, COLUMNS).await?;
    let reader = connect(&setup.postgres.url).await?;
    let (count, step) = count_and_step(scale);
    for message in reader.query(MESSAGES, &[&step, &count]).await? {
        row(&mut copy, &message, &clusters.vector())?;
        copy.flush().await?;
    }
    let count = i64::try_from(copy.end().await?)?;
    dropped.create(&setup.postgres.url, 2).await?;
    client.batch_execute(&format!("VACUUM ANALYZE {TABLE}")).await?;
    Ok(Added { count, took: began.elapsed() })
}

fn row(copy: &mut Copy, message: &Found, vector: &[f32]) -> anyhow::Result<()> {
    let id: i64 = message.try_get(0)?;
    let mut row = copy.row(7).int8(id);
    for column in 1..4 {
        row = row.int8(message.try_get(column)?);
    }
    row.text(MODEL).bytes(&id.to_be_bytes()).vector(vector);
    Ok(())
}
