//! Embedding messages, so that they can be found by what they are about.

use std::{collections::BTreeMap, time::Duration};

use model::Embedder;
use storage::{
    Database,
    background::Task,
    embeddings::{self, Embedded, Message},
};
use tracing::{Span, field::Empty};

use crate::{Error, privacy::Gate};

/// How many messages are embedded together.
pub(crate) const BATCH: u16 = 64;
/// How long a provider may take for a batch.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a text is embedded: what models take is some 8,000 tokens.
const MAX_CHARS: usize = 8_000;

/// Embeds messages, each text once. A message that may not be embedded is done without.
#[tracing::instrument(
    name = "embeddings.embed",
    skip_all,
    fields(otel.kind = "consumer", trace_id = Empty)
)]
pub(crate) async fn embed(db: Database, embedder: Embedder, tasks: Vec<Task>) -> Result<(), Error> {
    trace_context::begin(&Span::current(), None);
    let ids = tasks.iter().map(|task| task.subject_id);
    let messages = embeddings::messages(&db, &embedder.model, ids).await?;
    let (mut wanted, mut texts) = (Vec::new(), BTreeMap::new());
    for message in &messages {
        let Some(text) = text_to_embed(message, embedder.provider.is_local()) else { continue };
        let hash = embeddings::hash(&text);
        if message.embedded_hash.as_ref() != Some(&hash) {
            texts.insert(hash.clone(), text);
            wanted.push(Embedded { message, hash });
        }
    }
    let copied = embeddings::copy(&db, &embedder.model, &wanted).await?;
    wanted.retain(|it| !copied.contains(&it.message.id));
    texts.retain(|hash, _| wanted.iter().any(|it| it.hash == *hash));
    if wanted.is_empty() {
        return Ok(());
    }

    let (hashes, texts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    let embedded = embedder.embed(&texts, PATIENCE).await?;
    let embedded: BTreeMap<Vec<u8>, Vec<f32>> = hashes.into_iter().zip(embedded).collect();
    let rows = wanted.into_iter().map(|it| {
        let embedding = embedded[&it.hash].clone();
        (it, embedding)
    });
    embeddings::store(&db, &embedder.model, rows).await?;
    Ok(())
}

/// What of a message an embedder gets to see, if anything: what may hold more of the
/// data than the agent's privacy mode lets out stays here.
fn text_to_embed(message: &Message, is_local: bool) -> Option<String> {
    let may_be_seen = Gate::new(message.privacy_mode, is_local).lets(message.cells);
    let text = if may_be_seen { Some(&message.content) } else { message.sql_query.as_ref() };
    let text: String = text?.chars().take(MAX_CHARS).collect();
    Some(text).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use storage::{
        AgentId, MessageId, SessionId, UserId,
        entity::{
            agent::PrivacyMode,
            message::{Cells, Role},
        },
    };

    use super::*;

    fn message(role: Role, cells: Cells, privacy_mode: PrivacyMode) -> Message {
        Message {
            id: MessageId(1),
            user_id: UserId(1),
            agent_id: AgentId(1),
            chat_session_id: SessionId(1),
            role,
            content: "the content".to_owned(),
            sql_query: (role == Role::Assistant).then(|| "SELECT 1".to_owned()),
            cells,
            privacy_mode,
            embedded_hash: None,
        }
    }

    #[test]
    fn an_answer_leaves_this_process_only_as_far_as_its_agent_lets_it() {
        for (cells, mode, may_leave) in [
            (Cells::None, PrivacyMode::None, true),
            (Cells::Aggregates, PrivacyMode::None, false),
            (Cells::Rows, PrivacyMode::None, false),
            (Cells::Aggregates, PrivacyMode::Aggregates, true),
            (Cells::Rows, PrivacyMode::Aggregates, false),
            (Cells::Rows, PrivacyMode::Full, true),
        ] {
            let answer = message(Role::Assistant, cells, mode);
            let expected = if may_leave { "the content" } else { "SELECT 1" };
            assert_eq!(text_to_embed(&answer, false).as_deref(), Some(expected), "{answer:?}");
            assert_eq!(text_to_embed(&answer, true).as_deref(), Some("the content"));
        }
    }

    #[test]
    fn what_may_not_leave_and_has_no_statement_is_not_embedded() {
        let answer = message(Role::Assistant, Cells::Rows, PrivacyMode::None);
        assert_eq!(text_to_embed(&Message { sql_query: None, ..answer }, false), None);
    }

    #[test]
    fn a_question_is_always_embedded_as_far_as_models_read() {
        let mut question = message(Role::User, Cells::None, PrivacyMode::None);
        assert_eq!(text_to_embed(&question, false).as_deref(), Some("the content"));
        question.content = "é".repeat(MAX_CHARS + 1);
        assert_eq!(text_to_embed(&question, false), Some("é".repeat(MAX_CHARS)));
        question.content = " \n".to_owned();
        assert_eq!(text_to_embed(&question, true), None);
    }
}
