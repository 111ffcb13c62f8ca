use std::sync::Mutex;

use data_source::Rows;
use futures::stream::BoxStream;
use model::{Builtin, Conversation, Error, Piece, Planned, Prompt, Provider, Summarized};

/// A remote provider that does as the builtin one does, and notes what it is given to
/// embed; unless its test says that it fails.
pub(crate) struct Recorder<F> {
    judge: F,
    calls: Mutex<Vec<Vec<String>>>,
}

impl<F> Recorder<F> {
    pub(crate) fn shared(judge: F) -> &'static Self {
        Box::leak(Box::new(Self { judge, calls: Mutex::default() }))
    }

    /// The texts of each call that was not refused.
    pub(crate) fn calls(&self) -> Vec<Vec<String>> {
        self.calls.lock().expect("no test panics here").clone()
    }

    /// The texts that were embedded, in no order.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts = self.calls().concat();
        texts.sort();
        texts
    }
}

impl<F> std::fmt::Debug for Recorder<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

#[async_trait::async_trait]
impl<F> Provider for &'static Recorder<F>
where
    F: Fn(&[String]) -> Result<(), Error> + Send + Sync,
{
    fn is_local(&self) -> bool {
        false
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        Builtin.plan(prompt).await
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        Builtin.answer(prompt, sql, rows)
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        let questions = conversation.turns.iter().map(|turn| turn.question.clone());
        (self.judge)(&questions.collect::<Vec<_>>())?;
        Builtin.summarize(conversation).await
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        (self.judge)(texts)?;
        self.calls.lock().expect("no test panics here").push(texts.to_vec());
        Builtin.embed(texts).await
    }
}
