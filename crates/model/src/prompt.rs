//! What a provider is told. A provider with a budget takes of it what fits.

use data_source::Schema;

/// A question, and what helps to answer it.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    pub question: &'a str,
    /// What the agent's owner wants the model to keep to.
    pub instructions: &'a str,
    /// All the tables that the agent may read.
    pub schema: &'a Schema,
    /// What was said in the conversation before its recent turns; may be empty.
    pub summary: &'a str,
    /// Turns of other conversations of the same user and agent that resemble the
    /// question, the nearest first.
    pub related: &'a [Turn],
    /// The last turns of this conversation, oldest first.
    pub recent: &'a [Turn],
    /// What was tried on this question and failed, in order.
    pub tried: &'a [Tried],
}

/// A question that was asked before, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    pub question: String,
    /// The statement that produced the answer.
    pub sql: Option<String>,
    /// `None` if the provider may not see it.
    pub answer: Option<String>,
}

/// A statement that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub sql: String,
    pub problem: String,
}

/// A conversation, or the part of it that is to be summed up.
#[derive(Debug, Clone, Copy)]
pub struct Conversation<'a> {
    /// What was said before these turns; may be empty.
    pub summary: &'a str,
    /// Oldest first.
    pub turns: &'a [Turn],
}
