//! What a message has to be like, as a part of a statement.

use sea_orm::Value;

use super::Query;
use crate::{AgentId, SessionId, UserId};

/// Conditions on a message `m` or on its embedding `e`, and on its session `s`, with the
/// values that they need.
///
/// They are not for joining embeddings and messages. The planner takes it for a coincidence
/// that both are the same user's, and goes through everybody's messages.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) values: Vec<Value>,
    /// What a message's row and its embedding's tell alike.
    of_either: Vec<String>,
    /// What an embedding's row tells besides.
    of_embedding: Vec<String>,
    /// What a message's row tells alone.
    of_message: Vec<String>,
    of_session: Vec<String>,
}

impl Conditions {
    /// The owner's, in sessions that are not deleted.
    pub(super) fn owned(user_id: UserId) -> Self {
        Self {
            values: vec![user_id.into()],
            of_either: vec!["user_id = $1".to_owned()],
            of_embedding: Vec::new(),
            of_message: Vec::new(),
            of_session: ["s.user_id = $1", "s.deleted_at IS NULL"].map(str::to_owned).to_vec(),
        }
    }

    pub(super) fn of(query: &Query) -> Self {
        let mut conditions = Self::owned(query.user_id);
        let filter = query.filter;
        if let Some(id) = filter.session_id {
            conditions.in_session(id);
        }
        if let Some(id) = filter.agent_id {
            conditions.with_agent(id);
        }
        if let Some(role) = filter.role {
            conditions.add_of_message("m.role =", role);
        }
        if let Some(time) = filter.created_after {
            conditions.add_of_message("m.created_at >", time);
        }
        if let Some(time) = filter.created_before {
            conditions.add_of_message("m.created_at <", time);
        }
        conditions
    }

    fn in_session(&mut self, id: SessionId) {
        let place = self.place(id);
        self.of_either.push(format!("chat_session_id = {place}"));
    }

    pub(super) fn with_agent(&mut self, id: AgentId) {
        let place = self.place(id);
        self.of_embedding.push(format!("e.agent_id = {place}"));
        self.of_session.push(format!("s.agent_id = {place}"));
    }

    /// A condition on what the embedding's own row tells.
    pub(super) fn add_of_embedding(&mut self, comparison: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.of_embedding.push(format!("{comparison} {place}"));
    }

    fn add_of_message(&mut self, comparison: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.of_message.push(format!("{comparison} {place}"));
    }

    /// A condition on a message that needs no value.
    pub(super) fn require(&mut self, condition: &str) {
        self.of_message.push(condition.to_owned());
    }

    /// Adds a value, and says where it stands in the statement.
    pub(super) fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Those on an embedding. Where its own row does not tell all, its message is looked up,
    /// in a subquery that the planner can't make a join of.
    pub(super) fn of_embedding(&self) -> String {
        let mut conditions = self.of_either_as("e");
        conditions.extend_from_slice(&self.of_embedding);
        if !self.of_message.is_empty() {
            let of_message = self.of_message.join(" AND ");
            conditions
                .push(format!("(SELECT {of_message} FROM messages m WHERE m.id = e.message_id)"));
        }
        conditions.join(" AND ")
    }

    pub(super) fn of_message(&self) -> String {
        let mut conditions = self.of_either_as("m");
        conditions.extend_from_slice(&self.of_message);
        conditions.join(" AND ")
    }

    pub(super) fn of_session(&self) -> String {
        self.of_session.join(" AND ")
    }

    fn of_either_as(&self, name: &str) -> Vec<String> {
        self.of_either.iter().map(|condition| format!("{name}.{condition}")).collect()
    }
}
