//! What a message has to be like, as a part of a statement.

use sea_orm::Value;

use super::Query;
use crate::{AgentId, SessionId, UserId};

/// Conditions on an embedding `e`, on its message `m` and on that one's session `s`,
/// with the values that they need.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) values: Vec<Value>,
    /// What an embedding's own row tells.
    of_embedding: Vec<String>,
    of_message: Vec<String>,
}

impl Conditions {
    /// The owner's, in sessions that are not deleted.
    pub(super) fn owned(user_id: UserId) -> Self {
        Self {
            values: vec![user_id.into()],
            of_embedding: vec!["e.user_id = $1".to_owned()],
            of_message: ["m.user_id = $1", "s.user_id = $1", "s.deleted_at IS NULL"]
                .map(str::to_owned)
                .to_vec(),
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
        self.of_embedding.push(format!("e.chat_session_id = {place}"));
        self.of_message.push(format!("m.chat_session_id = {place}"));
    }

    pub(super) fn with_agent(&mut self, id: AgentId) {
        let place = self.place(id);
        self.of_embedding.push(format!("e.agent_id = {place}"));
        self.of_message.push(format!("s.agent_id = {place}"));
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

    pub(super) fn of_embedding(&self) -> String {
        self.of_embedding.join(" AND ")
    }

    pub(super) fn of_message(&self) -> String {
        self.of_message.join(" AND ")
    }
}
