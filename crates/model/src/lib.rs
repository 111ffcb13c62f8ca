//! Model providers behind one trait.

pub mod builtin;
mod call;
mod embedder;
mod error;
mod folding;
mod identifier;
mod line;
mod measured;
pub mod metrics;
mod models;
mod openai;
mod prompt;
mod usage;

pub use builtin::Builtin;
pub use call::Call;
pub use error::{Cause, Error};
pub use models::{Embedder, Models, NotAllowed};
pub use openai::{BreakerPacing, ConfigError, OpenAi, Pacing};
pub use prompt::{Conversation, Prompt, Tried, Turn};
pub use usage::Usage;

use data_source::Rows;
use futures::stream::BoxStream;

/// How many numbers an embedding has.
pub const DIMENSIONS: usize = 1536;

/// Turns questions into SQL and results into answers.
///
/// A trait because the real providers are remote, slow and paid for; tests use a scripted one.
#[async_trait::async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug + 'static {
    /// Whether nothing of what it is given leaves this process.
    fn is_local(&self) -> bool;

    /// Plans what to do about a question.
    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error>;

    /// Puts a result into words, in the language of the question, piece by piece:
    /// together the texts are the answer. A result that was cut is told to be.
    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>>;

    /// Sums a conversation up, and gives it a title.
    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error>;

    /// Embeds each text into [`DIMENSIONS`] numbers, in the order of the texts.
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub plan: Plan,
    pub usage: Usage,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// A query to run on the data source.
    Query(String),
    /// An answer that needs no data, or a question back.
    Reply(String),
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// What the answer has cost; at most once.
    Usage(Usage),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summarized {
    pub summary: String,
    /// A few words on what the conversation is about.
    pub title: String,
    pub usage: Usage,
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        Self { plan, usage: Usage::default() }
    }
}
