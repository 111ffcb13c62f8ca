//! What is asked of a chat model.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::features::{Feature, Refused};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) role: Role,
    pub(super) content: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

/// The form of an answer: an object of fields of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) fields: [&'static str; 2],
    pub(super) nullable: bool,
}

/// What a request says, but for what the server may refuse.
#[derive(Debug)]
pub(super) struct Chat<'a> {
    pub(super) model: &'a str,
    pub(super) messages: &'a [Message],
    pub(super) form: Option<Form>,
    pub(super) temperature: Option<f64>,
    pub(super) max_output_tokens: usize,
}

impl Chat<'_> {
    /// The request's body, and what was sent of what may be refused.
    pub(super) fn body(&self, refused: &Refused) -> (Bytes, Vec<Feature>) {
        let messages: Vec<Value> = self.messages.iter().map(message).collect();
        let mut body = Map::new();
        body.insert("model".to_owned(), json!(self.model));
        body.insert("messages".to_owned(), json!(messages));
        body.insert("stream".to_owned(), json!(true));
        let mut sent = Vec::new();
        for (feature, name, value) in self.extras(refused) {
            if !refused.has(feature) && !body.contains_key(name) {
                body.insert(name.to_owned(), value);
                sent.push(feature);
            }
        }
        (Value::Object(body).to_string().into(), sent)
    }

    /// The better form comes first; of one and the same field the first counts.
    fn extras(&self, refused: &Refused) -> Vec<(Feature, &'static str, Value)> {
        let usage = json!({"include_usage": true});
        let mut extras = vec![(Feature::StreamUsage, "stream_options", usage)];
        if let Some(form) = &self.form {
            let object = json!({"type": "json_object"});
            extras.push((Feature::JsonSchema, "response_format", form.schema()));
            extras.push((Feature::JsonObject, "response_format", object));
        }
        if let Some(temperature) = self.temperature {
            extras.push((Feature::Temperature, "temperature", json!(temperature)));
        }
        let tokens = json!(self.max_output_tokens);
        extras.push(if refused.has(Feature::MaxTokens) {
            (Feature::MaxCompletionTokens, "max_completion_tokens", tokens)
        } else {
            (Feature::MaxTokens, "max_tokens", tokens)
        });
        extras
    }
}

impl Form {
    fn schema(&self) -> Value {
        let kind = if self.nullable { json!(["string", "null"]) } else { json!("string") };
        let properties = self.fields.iter().map(|it| ((*it).to_owned(), json!({"type": kind})));
        let schema = json!({
            "type": "object",
            "properties": properties.collect::<Map<_, _>>(),
            "required": self.fields,
            "additionalProperties": false,
        });
        let format = json!({"name": self.name, "strict": true, "schema": schema});
        json!({"type": "json_schema", "json_schema": format})
    }
}

fn message(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({"role": role, "content": message.content})
}
