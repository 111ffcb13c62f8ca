//! Conversations that were never held.

use super::{Harness, eventually};

/// A question with its answer, as they are stored.
#[derive(Clone, Copy)]
pub(crate) struct Said<'a> {
    pub session_id: i64,
    pub question: &'a str,
    pub answer: &'a str,
    pub sql_query: Option<&'a str>,
    pub cells: &'a str,
}

impl<'a> Said<'a> {
    /// With an answer that holds nothing of the data.
    pub(crate) fn in_session(session_id: i64, question: &'a str, answer: &'a str) -> Self {
        Self { session_id, question, answer, sql_query: None, cells: "none" }
    }
}

impl Harness {
    /// Stores a turn as if a run had succeeded, and has it embedded. Returns the ids of
    /// its two messages.
    pub(crate) async fn say(&self, said: Said<'_>) -> [i64; 2] {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let Said { session_id, question, answer, sql_query, cells } = said;
        let (question, answer) = (quoted(question), quoted(answer));
        let sql_query = sql_query.map_or_else(|| "NULL".to_owned(), quoted);
        let answer_id = self
            .number(&format!(
                "WITH session AS (
                    UPDATE chat_sessions SET total_messages = total_messages + 2
                    WHERE id = {session_id} RETURNING *
                ),
                run AS (
                    INSERT INTO runs (chat_session_id, agent_id, user_id, question, state,
                        admitted_at, ended_at, wake_at, expires_at)
                    SELECT id, agent_id, user_id, {question}, 'succeeded', now(), now(), NULL,
                        now()
                    FROM session
                    RETURNING *
                ),
                said AS (
                    INSERT INTO messages (chat_session_id, user_id, run_id, role, content,
                        sql_query, cells, sequence_order, finish_reason)
                    SELECT {session_id}, run.user_id, run.id, role, content, sql_query, cells,
                        total_messages - back, reason
                    FROM run, session, (VALUES
                        ('user', {question}, NULL, 'none', 1, NULL),
                        ('assistant', {answer}, {sql_query}, '{cells}', 0, 'stop')
                    ) AS one (role, content, sql_query, cells, back, reason)
                    ORDER BY back DESC
                    RETURNING id
                ),
                task AS (
                    INSERT INTO background_tasks (kind, subject_id) SELECT 'embed', id FROM said
                )
                SELECT max(id) FROM said"
            ))
            .await;
        [answer_id - 1, answer_id]
    }

    /// How many tasks there are to embed messages.
    pub(crate) async fn messages_to_embed(&self) -> i64 {
        self.number("SELECT count(*) FROM background_tasks WHERE kind = 'embed'").await
    }

    /// Waits until all messages are embedded that may be.
    pub(crate) async fn all_is_embedded(&self) {
        let is_done = async || (self.messages_to_embed().await == 0).then_some(());
        eventually("the messages being embedded", is_done).await;
    }
}
