//! Which models there are, by the names that agents give them.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Builtin, ConfigError, Pacing, Provider,
    measured::Measured,
    metrics,
    openai::{self, OpenAi},
};

/// The models that may be used.
#[derive(Clone, Debug)]
pub struct Models {
    /// By the name that an agent gives: `builtin`, or `provider/model`.
    chat: BTreeMap<String, Arc<dyn Provider>>,
    embedding: BTreeMap<String, Arc<dyn Provider>>,
}

/// A model that embeds texts, by the name that is stored with its embeddings.
#[derive(Clone, Debug)]
pub struct Embedder {
    pub model: String,
    pub provider: Arc<dyn Provider>,
}

/// Configuration does not name the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model {0} is not available")]
pub struct NotAllowed(pub String);

impl Models {
    /// The model that is always there.
    pub const BUILTIN: &str = "builtin";

    /// The models of the providers that the JSON of `MODEL_PROVIDERS` describes, which
    /// may be blank, and the one that is always there.
    pub fn from_config(json: &str) -> Result<Self, ConfigError> {
        Self::from_config_at_pace(json, Pacing::default())
    }

    /// The same, with more or less patience.
    pub fn from_config_at_pace(json: &str, pacing: Pacing) -> Result<Self, ConfigError> {
        let mut models = Self::default();
        if json.trim().is_empty() {
            return Ok(models);
        }
        let configured = openai::configure(json, pacing)?;
        let shared = |(name, model): (String, OpenAi)| {
            let measured = Measured::new(&name, Arc::new(model));
            (name, Arc::new(measured) as Arc<dyn Provider>)
        };
        models.chat.extend(configured.chat.into_iter().map(shared));
        models.embedding.extend(configured.embedding.into_iter().map(shared));
        Ok(models)
    }

    /// The models' names, for agents to choose from.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.chat.keys().map(String::as_str)
    }

    /// The provider of a model that answers questions.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Provider>, NotAllowed> {
        self.chat.get(name).cloned().ok_or_else(|| NotAllowed(name.to_owned()))
    }

    /// A model that embeds texts.
    pub fn embedder(&self, name: &str) -> Result<Embedder, NotAllowed> {
        let provider = self.embedding.get(name).cloned();
        let provider = provider.ok_or_else(|| NotAllowed(name.to_owned()))?;
        Ok(Embedder { model: name.to_owned(), provider })
    }

    /// Has a provider answer to a name, both ways.
    #[must_use]
    pub fn with(mut self, name: &str, provider: Arc<dyn Provider>) -> Self {
        let provider: Arc<dyn Provider> = Arc::new(Measured::new(name, provider));
        self.chat.insert(name.to_owned(), provider.clone());
        self.embedding.insert(name.to_owned(), provider);
        self
    }
}

impl Default for Models {
    fn default() -> Self {
        // It is never left alone.
        metrics::circuit_of(Self::BUILTIN).set(0);
        let none = Self { chat: BTreeMap::new(), embedding: BTreeMap::new() };
        none.with(Self::BUILTIN, Arc::new(Builtin))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_called_by_its_provider_and_its_own_name() {
        let json = json!([
            {
                "name": "openai", "base_url": "https://api.example/v1", "api_key": "sk-hunter2",
                "models": ["gpt-5-mini"], "embedding_models": ["small"],
            },
            {"name": "router", "base_url": "https://b.example", "models": ["meta/llama"]},
        ]);
        let models = Models::from_config(&json.to_string()).unwrap();

        let names: Vec<&str> = models.names().collect();
        assert_eq!(names, ["builtin", "openai/gpt-5-mini", "router/meta/llama"]);
        assert!(!models.get("router/meta/llama").unwrap().is_local());
        assert_eq!(models.embedder("openai/small").unwrap().model, "openai/small");
        assert!(models.embedder("builtin").unwrap().provider.is_local());
        assert!(models.get("openai/small").is_err());
        assert!(models.embedder("openai/gpt-5-mini").is_err());
        assert!(!format!("{models:?}").contains("hunter2"));
    }

    #[test]
    fn without_configuration_there_is_the_local_model() {
        let models = Models::from_config(" \n").unwrap();
        assert_eq!(models.names().collect::<Vec<_>>(), [Models::BUILTIN]);
    }
}
