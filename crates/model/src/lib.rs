//! Model providers behind one trait.

pub mod builtin;

pub use builtin::Builtin;

use data_source::{Rows, Schema};
use futures::stream::BoxStream;

/// Turns questions into SQL and results into answers.
///
/// A trait because the real providers are remote, slow and paid for; tests use a scripted one.
#[async_trait::async_trait]
pub trait Provider: Send + Sync + std::fmt::Debug + 'static {
    /// Plans what to do about a question.
    async fn plan(&self, question: &Question<'_>) -> Result<Plan, Error>;

    /// Puts a result into words, in the language of the question, piece by piece:
    /// together the pieces are the answer.
    fn answer<'a>(
        &'a self,
        question: &'a Question<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<String, Error>>;
}

#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub text: &'a str,
    /// What the agent's owner wants the model to keep to.
    pub instructions: &'a str,
    pub schema: &'a Schema,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// A query to run on the data source.
    Query(String),
    /// An answer that needs no data.
    Reply(String),
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("model is overloaded")]
    Overloaded,
    #[error("model refused to answer")]
    Refused,
}
