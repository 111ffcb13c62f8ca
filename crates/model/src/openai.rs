//! Any server that speaks OpenAI's protocol: chat completions and embeddings.
//!
//! Nothing here logs what a model is told or says: sizes, statuses and durations only.

mod body;
mod breaker;
mod chunk;
mod completion;
mod config;
mod embedding;
mod endpoint;
mod failure;
mod features;
mod key;
mod pacing;
mod patience;
mod prompt;
mod reading;
mod request;
mod speech;
mod sse;
mod thoughts;

use std::sync::Arc;

use bytes::Bytes;
use data_source::Rows;
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};

use crate::{Conversation, Error, Piece, Plan, Planned, Prompt, Provider, Summarized, builtin};
use completion::Completion;
use config::Config;
pub use config::ConfigError;
use embedding::Terms;
use endpoint::Endpoint;
use failure::Failure;
use features::Refused;
pub use pacing::{BreakerPacing, Pacing};
use patience::Patience;
use prompt::Fence;
use request::{Chat, Form, Message};

const PLAN: Form = Form { name: "plan", fields: ["sql", "reply"], nullable: true };
const SUMMARY: Form = Form { name: "summary", fields: ["summary", "title"], nullable: false };

/// How long what a model says may be, if that is not configured.
const OUTPUT_TOKENS: usize = 1_024;

/// One model of one provider.
#[derive(Debug, Clone)]
pub struct OpenAi {
    endpoint: Arc<Endpoint>,
    model: String,
    prompt_tokens: usize,
    max_output_tokens: usize,
    temperature: Option<f64>,
    embedding: Terms,
    refused: Arc<Refused>,
}

/// The names of the models that are configured, and what answers to them.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    pub(crate) chat: Vec<(String, OpenAi)>,
    pub(crate) embedding: Vec<(String, OpenAi)>,
}

/// Makes what `MODEL_PROVIDERS` describes; the models of a provider share its limits.
pub(crate) fn configure(json: &str, pacing: Pacing) -> Result<Configured, ConfigError> {
    let mut configured = Configured::default();
    for config in config::parse(json)? {
        let endpoint = Endpoint::new(&config, pacing)
            .map_err(|source| ConfigError::Client { provider: config.name.clone(), source })?;
        let endpoint = Arc::new(endpoint);
        let named = |model: &String| {
            (format!("{}/{model}", config.name), OpenAi::new(&endpoint, model, &config))
        };
        configured.chat.extend(config.models.iter().map(named));
        configured.embedding.extend(config.embedding_models.iter().map(named));
    }
    Ok(configured)
}

#[async_trait::async_trait]
impl Provider for OpenAi {
    fn is_local(&self) -> bool {
        false
    }

    #[tracing::instrument(name = "model.plan", skip_all, fields(model = self.model))]
    async fn plan(&self, prompt: &Prompt<'_>) -> Result<Planned, Error> {
        let messages = prompt::plan(prompt, self.prompt_tokens, &Fence::random());
        let (text, completion) = self.whole(&messages, PLAN).await?;
        let plan: Plan = reading::plan(&text).ok_or_else(|| unusable("no plan in the answer"))?;
        Ok(Planned { plan, usage: completion.usage() })
    }

    fn answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> BoxStream<'a, Result<Piece, Error>> {
        stream::once(self.begin_answer(prompt, sql, rows)).try_flatten().boxed()
    }

    #[tracing::instrument(name = "model.summarize", skip_all, fields(model = self.model))]
    async fn summarize(&self, conversation: &Conversation<'_>) -> Result<Summarized, Error> {
        let messages = prompt::summary(conversation, self.prompt_tokens, &Fence::random());
        let (text, completion) = self.whole(&messages, SUMMARY).await?;
        let summary = reading::summary(&text, completion.usage());
        summary.ok_or_else(|| unusable("no summary in the answer"))
    }

    #[tracing::instrument(name = "model.embed", skip_all, fields(model = self.model, texts = texts.len()))]
    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>, Error> {
        embedding::embed(&self.endpoint, &self.model, texts, self.embedding).await
    }
}

impl OpenAi {
    fn new(endpoint: &Arc<Endpoint>, model: &str, config: &Config) -> Self {
        let output = config.max_output_tokens.unwrap_or(OUTPUT_TOKENS);
        Self {
            endpoint: endpoint.clone(),
            model: model.to_owned(),
            prompt_tokens: config.context_tokens - output.min(config.context_tokens / 2),
            max_output_tokens: output,
            temperature: config.temperature,
            embedding: Terms {
                batch: config.embedding_batch,
                sends_dimensions: config.embedding_dimensions,
            },
            refused: Arc::new(Refused::of(config.structured_output)),
        }
    }

    /// All of what the model says; of a part there is nothing to be read.
    async fn whole(&self, messages: &[Message], form: Form) -> Result<(String, Completion), Error> {
        let (text, completion) = self.say(messages, Some(form), Until::End).await?;
        if completion.is_cut() {
            return Err(unusable("what the model says is longer than the output may be"));
        }
        Ok((text, completion))
    }

    #[tracing::instrument(name = "model.answer", skip_all, fields(model = self.model))]
    async fn begin_answer<'a>(
        &'a self,
        prompt: &'a Prompt<'a>,
        sql: &'a str,
        rows: &'a Rows,
    ) -> Result<BoxStream<'a, Result<Piece, Error>>, Error> {
        let (messages, shown) =
            prompt::answer(prompt, sql, rows, self.prompt_tokens, &Fence::random());
        let (first, completion) = self.say(&messages, None, Until::FirstText).await?;
        let note = builtin::shown_note(prompt.question, shown, rows.rows.len());
        Ok(speech::pieces(first, completion, note).boxed())
    }

    /// What the model says until then, tried again as long as nothing is known of it,
    /// and without what the server refuses.
    async fn say(
        &self,
        messages: &[Message],
        form: Option<Form>,
        until: Until,
    ) -> Result<(String, Completion), Error> {
        let chat = Chat {
            model: &self.model,
            messages,
            form,
            temperature: self.temperature,
            max_output_tokens: self.max_output_tokens,
        };
        let patience = self.endpoint.patience();
        loop {
            let (request, sent) = chat.body(&self.refused);
            let attempt = || self.attempt(request.clone(), until, patience);
            let said = self.endpoint.retrying(patience, attempt).await;
            let blamed = match &said {
                Err(Failure::Rejected(rejection)) => rejection.blames(&sent),
                Err(Failure::Transient { .. } | Failure::Final(_)) | Ok(_) => None,
            };
            let Some(feature) = blamed else { return Ok(said?) };
            tracing::info!(?feature, "the model's server does not take this and is spared it");
            self.refused.refuse(feature);
        }
    }

    async fn attempt(
        &self,
        request: Bytes,
        until: Until,
        patience: Patience,
    ) -> Result<(String, Completion), Failure> {
        let endpoint = &self.endpoint;
        let body = endpoint.post("chat/completions", request, patience).await?;
        let mut completion = Completion::new(body, endpoint.closing(), endpoint.key());
        let text = match until {
            Until::FirstText => completion.next().await?.unwrap_or_default(),
            Until::End => completion.collect().await?,
        };
        Ok((text, completion))
    }
}

#[derive(Debug, Clone, Copy)]
enum Until {
    FirstText,
    End,
}

fn unusable(cause: &'static str) -> Error {
    Error::Unusable(cause.into())
}
