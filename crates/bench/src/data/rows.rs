//! The rows of a conversation, as the product would have written them, turn by turn.

use super::{
    copy::{Copy, Row},
    texts,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60 * SECOND;
/// From one question of a conversation to the next.
const TURN: i64 = 60 * SECOND;
/// How long an answer takes.
const RUN: i64 = 2 * SECOND;
/// Over so many days conversations are spread.
const DAYS: i64 = 300;
/// How many characters of the last message a session shows.
const PREVIEW: usize = 500;
/// A run that was claimed once, and its last event before the final one.
const FENCE: i64 = 1;
const LAST_EVENT_ID: i64 = (FENCE << 32) + 4;
/// Of so many messages the summary holds back the last: they are sent word by word.
const UNSUMMED: i64 = 20;

/// A conversation, and where its rows begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conversation {
    pub(super) id: i64,
    pub(super) user_id: i64,
    pub(super) agent_id: i64,
    pub(super) messages: i64,
    /// Of the first turn; the others' follow.
    pub(super) run_id: i64,
    pub(super) message_id: i64,
    /// When it began.
    pub(super) began: i64,
}

pub(super) const SESSIONS: &str = "chat_sessions (id, user_id, agent_id, title, status, \
     total_messages, last_activity, last_message, context_summary, is_titled, \
     summary_until_sequence, summary_cells, created_at, updated_at)";

pub(super) const RUNS: &str = "runs (id, chat_session_id, agent_id, user_id, question, state, \
     admitted_at, fence, attempts, wake_at, publications, started_at, ended_at, sql_used, \
     execution_ms, row_count, total_rows, model, expires_at, last_event_id, created_at, updated_at)";

pub(super) const MESSAGES: &str = "messages (id, chat_session_id, user_id, run_id, role, content, \
     sql_query, sequence_order, message_metadata, finish_reason, cells, created_at)";

impl Conversation {
    /// When one begins that has ended by `now`, of so many messages; spread over the past.
    pub(super) fn beginning(id: i64, messages: i64, now: i64) -> i64 {
        let last = now - (id * 7919 % DAYS) * DAY - (id % 86_400) * SECOND - DAY;
        last - messages / 2 * TURN
    }

    fn turns(&self) -> i64 {
        self.messages / 2
    }

    fn asked(&self, turn: i64) -> i64 {
        self.began + turn * TURN
    }

    fn ended(&self) -> i64 {
        self.asked(self.turns() - 1) + RUN
    }

    /// What the session shows of the last message.
    fn preview(&self) -> String {
        let mut answer = String::new();
        texts::answer(&mut answer, self.run_id + self.turns() - 1);
        answer.chars().take(PREVIEW).collect()
    }

    pub(super) fn session(&self, copy: &mut Copy) {
        let summed = if UNSUMMED < self.messages { self.messages - UNSUMMED } else { 0 };
        let summary = match summed {
            0 => String::new(),
            _ => format!("Earlier: {} questions about flights.", summed / 2),
        };
        let is_archived = self.id % 20 == 9;
        copy.row(14)
            .int8(self.id)
            .int8(self.user_id)
            .int8(self.agent_id)
            .text(&texts::title(self.id))
            .text(if is_archived { "archived" } else { "active" })
            .int8(self.messages)
            .timestamptz(self.ended())
            .text(&self.preview())
            .text(&summary)
            .bool(true)
            .int8(summed)
            .text("none")
            .timestamptz(self.began)
            .timestamptz(self.ended());
    }

    pub(super) async fn runs(&self, copy: &mut Copy) -> anyhow::Result<()> {
        let (mut question, mut sql) = (String::new(), String::new());
        for turn in 0..self.turns() {
            let id = self.run_id + turn;
            let (asked, answered) = (self.asked(turn), self.asked(turn) + RUN);
            question.clear();
            sql.clear();
            texts::question(&mut question, id);
            texts::sql(&mut sql, id);
            copy.row(22)
                .int8(id)
                .int8(self.id)
                .int8(self.agent_id)
                .int8(self.user_id)
                .text(&question)
                .text("succeeded")
                .timestamptz(asked)
                .int8(FENCE)
                .int4(1)
                .null()
                .int8(1)
                .timestamptz(asked)
                .timestamptz(answered)
                .text(&sql)
                .int8(7)
                .int8(10)
                .int8(10)
                .text("builtin")
                .timestamptz(asked + 60 * TURN)
                .int8(LAST_EVENT_ID)
                .timestamptz(asked)
                .timestamptz(answered);
            copy.flush().await?;
        }
        Ok(())
    }

    pub(super) async fn messages(&self, copy: &mut Copy) -> anyhow::Result<()> {
        let mut text = String::new();
        for turn in 0..self.turns() {
            text.clear();
            texts::question(&mut text, self.run_id + turn);
            self.message(copy, turn, 0)
                .text("user")
                .text(&text)
                .null()
                .int8(2 * turn + 1)
                .jsonb("{}")
                .null()
                .text("none")
                .timestamptz(self.asked(turn));
            text.clear();
            texts::answer(&mut text, self.run_id + turn);
            let said = text.len();
            texts::sql(&mut text, self.run_id + turn);
            self.message(copy, turn, 1)
                .text("assistant")
                .text(&text[..said])
                .text(&text[said..])
                .int8(2 * turn + 2)
                .jsonb(
                    r#"{"row_count": 10, "truncated": false, "total_rows": 10, "execution_ms": 7}"#,
                )
                .text("stop")
                .text("rows")
                .timestamptz(self.asked(turn) + RUN);
            copy.flush().await?;
        }
        Ok(())
    }

    /// The columns before its role.
    fn message<'a>(&self, copy: &'a mut Copy, turn: i64, place: i64) -> Row<'a> {
        copy.row(12)
            .int8(self.message_id + 2 * turn + place)
            .int8(self.id)
            .int8(self.user_id)
            .int8(self.run_id + turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 26 * 365 * DAY;

    #[test]
    fn every_conversation_has_ended_by_now() {
        for id in 1..2000 {
            for messages in [2, 50, 50_000] {
                let began = Conversation::beginning(id, messages, NOW);
                let conversation = Conversation {
                    id,
                    user_id: 1,
                    agent_id: 1,
                    messages,
                    run_id: 1,
                    message_id: 1,
                    began,
                };

                assert!(conversation.ended() < NOW, "{id}");
            }
        }
    }
}
