//! Calls of models as spans, by OpenTelemetry's conventions: who was asked, and what it cost, never
//! what was said.

use tracing::{Instrument as _, Span, field::Empty};

use crate::{Error, Usage};

/// What a call is called that is about to be made.
#[derive(Clone, Debug)]
pub struct Call(Span);

impl Call {
    /// Of a model that is told something and says something.
    pub fn chat(model: &str) -> Self {
        Self::new("chat", model)
    }

    pub(crate) fn embeddings(model: &str) -> Self {
        Self::new("embeddings", model)
    }

    fn new(operation: &str, model: &str) -> Self {
        // `builtin` is both.
        let (provider, name) = model.split_once('/').unwrap_or((model, model));
        Self(tracing::info_span!(
            "model.call",
            otel.name = format!("{operation} {name}"),
            otel.kind = "client",
            otel.status_code = Empty,
            gen_ai.operation.name = operation,
            gen_ai.provider.name = provider,
            gen_ai.request.model = name,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            error.type = Empty,
        ))
    }

    /// Makes the call.
    pub async fn follow<T>(
        &self,
        calling: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let called = calling.instrument(self.0.clone()).await;
        if let Err(error) = &called {
            self.0.record("otel.status_code", "ERROR");
            self.0.record("error.type", error.kind());
        }
        called
    }

    /// Notes what it has cost.
    pub fn spent(&self, usage: Usage) {
        self.0.record("gen_ai.usage.input_tokens", usage.prompt_tokens);
        self.0.record("gen_ai.usage.output_tokens", usage.completion_tokens);
    }
}
