//! The models that both services need to know.

use anyhow::Context as _;
use clap::Args;
use model::{Embedder, Models};

use crate::Secret;

#[derive(Clone, Debug, Args)]
pub struct ModelSettings {
    /// The providers of models besides `builtin`, as a JSON array
    #[arg(long, env, default_value = "[]", hide_env_values = true)]
    pub model_providers: Secret,

    /// The model that embeds messages: `builtin`, or provider/model
    #[arg(long, env, default_value = Models::BUILTIN)]
    pub embedding_model: String,
}

impl ModelSettings {
    pub fn check(&self) -> anyhow::Result<()> {
        self.embedder(&self.models()?).map(drop)
    }

    /// Parsed here, and not by clap, which prints a value that it refuses.
    pub fn models(&self) -> anyhow::Result<Models> {
        Models::from_config(self.model_providers.expose()).context("MODEL_PROVIDERS")
    }

    pub fn embedder(&self, models: &Models) -> anyhow::Result<Embedder> {
        models.embedder(&self.embedding_model).context("EMBEDDING_MODEL")
    }
}
