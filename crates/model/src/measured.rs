//! A provider whose calls are measured.

use std::sync::Arc;

use data_source::Rows;
use futures::{StreamExt as _, stream::BoxStream};
use tokio::time::Instant;

use crate::{
    Conversation, Error, Piece, Planned, Prompt, Provider, Summarized,
    metrics::{Metrics, Operation, Outcome},
};

#[derive(Debug)]
pub(crate) struct Measured {
    provider: Arc<dyn Provider>,
    metrics: Metrics,
}

impl Measured {
    pub(crate) fn new(name: &str, provider: Arc<dyn Provider>) -> Self {
        Self { provider, metrics: Metrics::of(name) }
    }

    fn call(&self, operation: Operation) -> Call<'_> {
        let began_at = Instant::now();
        Call { metrics: &self.metrics, operation, began_at, outcome: Outcome::Abandoned }
    }
}

/// A call that goes on. What it has come to is counted when it is dropped.
struct Call<'a> {
    metrics: &'a Metrics,
    operation: Operation,
    began_at: Instant,
    outcome: Outcome,
}

impl Call<'_> {
    fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.outcome = result.as_ref().err().map_or(Outcome::Ok, Outcome::from);
        result
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.metrics.called(self.operation, self.outcome, self.began_at.elapsed());
    }
}

#[async_trait::async_trait]
impl Provider for Measured {
    fn is_local(&self) -> bool {
        self.provider.is_local()
    }

    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        let call = self.call(Operation::Plan);
        let planned = call.end(self.provider.plan(prompt).await)?;
        self.metrics.spent(planned.usage);
        Ok(planned)
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        let mut call = self.call(Operation::Answer);
        let end = futures::stream::once(async { None });
        let pieces = self.provider.answer(prompt, sql, rows).map(Some).chain(end);
        let measured = pieces.filter_map(move |piece| {
            // All of it goes with the stream, and not its fields alone.
            let call = &mut call;
            match &piece {
                // Over, and not broken off.
                None if call.outcome == Outcome::Abandoned => call.outcome = Outcome::Ok,
                Some(Err(error)) => call.outcome = Outcome::from(error),
                Some(Ok(Piece::Usage(usage))) => self.metrics.spent(*usage),
                None | Some(Ok(Piece::Text(_))) => (),
            }
            std::future::ready(piece)
        });
        measured.boxed()
    }

    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        let call = self.call(Operation::Summarize);
        let summarized = call.end(self.provider.summarize(conversation).await)?;
        self.metrics.spent(summarized.usage);
        Ok(summarized)
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        self.call(Operation::Embed).end(self.provider.embed(texts).await)
    }
}
