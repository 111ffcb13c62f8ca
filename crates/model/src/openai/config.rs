//! Providers as an operator configures them. No error holds a value, which may be
//! a key in the wrong place.

mod base_url;
mod fields;

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::key::ApiKey;
use fields::Fields;

/// Why providers can't be configured like this.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("not a JSON array of objects")]
    NotAList(#[source] Option<serde_json::Error>),
    #[error("provider {provider}: {field}: {reason}")]
    Field { provider: String, field: String, reason: &'static str },
    #[error("provider {provider}: no client can be made")]
    Client {
        provider: String,
        #[source]
        source: reqwest::Error,
    },
}

/// One provider.
#[derive(Debug, Clone)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) base_url: Url,
    pub(super) api_key: Option<ApiKey>,
    pub(super) models: Vec<String>,
    pub(super) embedding_models: Vec<String>,
    pub(super) context_tokens: usize,
    pub(super) max_output_tokens: Option<usize>,
    pub(super) timeout: Duration,
    pub(super) max_concurrent_calls: usize,
    pub(super) structured_output: StructuredOutput,
    pub(super) temperature: Option<f64>,
    /// Whether to ask for as many numbers as are stored.
    pub(super) embedding_dimensions: bool,
    pub(super) embedding_batch: usize,
}

/// How the form of an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StructuredOutput {
    /// By a schema, or by what the server has instead.
    Auto,
    JsonSchema,
    JsonObject,
    Off,
}

/// Reads the providers; no two have the same name.
pub(super) fn parse(json: &str) -> Result<Vec<Config>, ConfigError> {
    let all: Vec<Map<String, Value>> = match serde_json::from_str(json) {
        Ok(Value::Array(all)) => all
            .into_iter()
            .map(|it| match it {
                Value::Object(fields) => Ok(fields),
                _ => Err(ConfigError::NotAList(None)),
            })
            .collect::<Result<_, _>>()?,
        Ok(_) => return Err(ConfigError::NotAList(None)),
        Err(error) => return Err(ConfigError::NotAList(Some(error))),
    };
    let mut configs: Vec<Config> = Vec::new();
    for (index, fields) in all.into_iter().enumerate() {
        let config = read(Fields::new(fields, index))?;
        if configs.iter().any(|it| it.name == config.name) {
            return Err(field(&config.name, "name", "is given to two providers"));
        }
        configs.push(config);
    }
    Ok(configs)
}

fn read(mut fields: Fields) -> Result<Config, ConfigError> {
    let name = fields.name()?;
    let allow_http = fields.flag("allow_http")?;
    let config = Config {
        base_url: fields.required("base_url", |it| base_url::read(it, allow_http))?,
        api_key: fields.optional("api_key", key)?,
        models: fields.names("models")?,
        embedding_models: fields.names("embedding_models")?,
        context_tokens: fields.count("context_tokens", 2_048..=10_000_000)?.unwrap_or(8_192),
        max_output_tokens: fields.count("max_output_tokens", 16..=1_000_000)?,
        timeout: fields.optional("timeout_seconds", seconds)?.unwrap_or(Duration::from_secs(60)),
        max_concurrent_calls: fields.count("max_concurrent_calls", 1..=10_000)?.unwrap_or(16),
        structured_output: fields
            .optional("structured_output", structured_output)?
            .unwrap_or(StructuredOutput::Auto),
        temperature: fields.optional("temperature", temperature)?,
        embedding_dimensions: fields.flag("embedding_dimensions")?,
        embedding_batch: fields.count("embedding_batch", 1..=2_048)?.unwrap_or(64),
        name,
    };
    if config.models.is_empty() && config.embedding_models.is_empty() {
        return Err(field(&config.name, "models", "is empty, and so is embedding_models"));
    }
    fields.end()?;
    Ok(config)
}

fn field(provider: &str, field: &str, reason: &'static str) -> ConfigError {
    ConfigError::Field { provider: provider.to_owned(), field: field.to_owned(), reason }
}

fn key(value: &Value) -> Result<ApiKey, &'static str> {
    let key = value.as_str().map(str::trim).filter(|it| !it.is_empty());
    let key = key.ok_or("must be text that is not empty")?;
    ApiKey::new(key).map_err(|_| "has characters that no HTTP header can have")
}

fn seconds(value: &Value) -> Result<Duration, &'static str> {
    let is_fit = |it: &f64| (0.01..=3_600.0).contains(it);
    let seconds = value.as_f64().filter(is_fit).ok_or("must be a number from 0.01 to 3600")?;
    Ok(Duration::from_secs_f64(seconds))
}

fn temperature(value: &Value) -> Result<f64, &'static str> {
    let is_fit = |it: &f64| (0.0..=2.0).contains(it);
    value.as_f64().filter(is_fit).ok_or("must be a number from 0 to 2")
}

fn structured_output(value: &Value) -> Result<StructuredOutput, &'static str> {
    match value.as_str() {
        Some("auto") => Ok(StructuredOutput::Auto),
        Some("json_schema") => Ok(StructuredOutput::JsonSchema),
        Some("json_object") => Ok(StructuredOutput::JsonObject),
        Some("off") => Ok(StructuredOutput::Off),
        _ => Err("must be auto, json_schema, json_object or off"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KEY: &str = "sk-hunter2";

    #[test]
    fn a_provider_needs_little() {
        let json =
            json!([{"name": "local", "base_url": "http://127.0.0.1:8080/v1", "models": ["m"]}]);
        let configs = parse(&json.to_string()).unwrap();

        let config = &configs[0];
        assert_eq!(
            (config.name.as_str(), config.models.as_slice()),
            ("local", &["m".to_owned()][..])
        );
        assert_eq!((config.context_tokens, config.max_concurrent_calls), (8_192, 16));
        assert_eq!(config.timeout, Duration::from_secs(60));
        assert_eq!(config.structured_output, StructuredOutput::Auto);
        assert!(config.api_key.is_none() && config.temperature.is_none());
    }

    /// The message, after replacing a field of a good configuration.
    fn refused(name: &str, value: Value) -> String {
        let mut provider = json!({
            "name": "p", "base_url": "https://a.example/v1", "api_key": KEY, "models": ["m"],
        });
        provider[name] = value;
        let error = parse(&json!([provider]).to_string()).unwrap_err();
        let (message, debug) = (error.to_string(), format!("{error:?}"));
        assert!(!message.contains("hunter2") && !debug.contains("hunter2"), "{debug}");
        message
    }

    #[track_caller]
    fn check(name: &str, value: Value) {
        let message = refused(name, value);
        assert!(message.starts_with(&format!("provider p: {name}: ")), "{message}");
    }

    #[test]
    fn a_wrong_field_is_named_and_never_its_value() {
        for url in [
            "http://a.example/v1",
            "ftp://a.example",
            "https://u:hunter2@a.example",
            "https://hunter2@a.example",
            "https://a.example/?key=hunter2",
            "https://a.example/#x",
            "hunter2",
        ] {
            check("base_url", json!(url));
        }
        check("api_key", json!(["hunter2"]));
        check("api_key", json!("hunter2\n x"));
        check("api_key", json!(""));
        check("models", json!("hunter2"));
        check("models", json!([""]));
        check("models", json!(["m", "m"]));
        check("models", json!([]));
        check("embedding_models", json!([1]));
        check("context_tokens", json!(-1));
        check("context_tokens", json!(10));
        check("context_tokens", json!("hunter2"));
        check("timeout_seconds", json!(0));
        check("max_concurrent_calls", json!(0));
        check("structured_output", json!("hunter2"));
        check("temperature", json!(3));
        check("embedding_dimensions", json!("hunter2"));
        check("embedding_batch", json!(0));
        check("apikey", json!("hunter2"));
    }

    #[test]
    fn a_name_is_plain_and_used_once() {
        for name in ["", "builtin", "a/b", "A", "a b"] {
            assert!(refused("name", json!(name)).starts_with("provider number 1: name: "));
        }
        let provider = json!({"name": "p", "base_url": "https://a.example", "models": ["m"]});
        let error = parse(&json!([provider, provider]).to_string()).unwrap_err();
        assert_eq!(error.to_string(), "provider p: name: is given to two providers");
    }

    #[test]
    fn what_is_no_list_of_objects_is_refused() {
        for text in ["", "{}", "[1]", "[", "\"hunter2\""] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.to_string(), "not a JSON array of objects");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }
}
