//! The `openai` provider against a real HTTP server that speaks the protocol, badly
//! where the test is about that.

mod configuration;
mod embeddings;
mod failures;
mod forms;
mod limits;
mod patience;
mod plans;
mod streams;

use std::{error::Error as _, sync::Arc, time::Duration};

use data_source::{
    Rows, Schema,
    rows::ResultColumn,
    schema::{Column, Kind, Table},
};
use futures::StreamExt as _;
use model::{
    BreakerPacing, Conversation, Embedder, Error, Models, Pacing, Piece, Plan, Planned, Prompt,
    Provider, Summarized, Turn, Usage,
};
use serde_json::{Value, json};

use crate::harness::ModelServer;

const KEY: &str = "sk-hunter2";
const USAGE: Usage = Usage { prompt_tokens: 11, completion_tokens: 7 };

/// Quick, and without a breaker in the way.
fn pacing() -> Pacing {
    Pacing {
        connect_timeout: Duration::from_millis(300),
        tries: 3,
        backoff: Duration::from_millis(10),
        call: Duration::from_secs(60),
        closing: Duration::from_millis(300),
        longest_wait: Duration::from_secs(2),
        breaker: BreakerPacing {
            failures: 1_000,
            pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(1),
            silence: Duration::from_millis(200),
        },
    }
}

/// The server as a provider whose configuration has these fields besides.
fn models(server: &ModelServer, fields: Value, pacing: Pacing) -> Models {
    models_at(&server.base_url(), fields, pacing)
}

fn models_at(base_url: &str, fields: Value, pacing: Pacing) -> Models {
    let mut provider = json!({
        "name": "test", "base_url": base_url, "api_key": KEY, "timeout_seconds": 5,
        "models": ["family/chat"], "embedding_models": ["embed"],
    });
    let Value::Object(fields) = fields else { panic!("{fields} are no fields") };
    provider.as_object_mut().expect("it is an object").extend(fields);
    Models::from_config_at_pace(&json!([provider]).to_string(), pacing)
        .expect("the configuration is good")
}

fn chat(models: &Models) -> Arc<dyn Provider> {
    models.get("test/family/chat").expect("it is configured")
}

fn embedder(models: &Models) -> Embedder {
    models.embedder("test/embed").expect("it is configured")
}

fn patient(server: &ModelServer) -> Arc<dyn Provider> {
    chat(&models(server, json!({}), pacing()))
}

fn schema() -> Schema {
    let column = Column {
        name: "species".to_owned(),
        type_name: "text".to_owned(),
        kind: Kind::Text,
        nullable: true,
        comment: None,
        labels: Vec::new(),
        samples: Vec::new(),
    };
    let table = Table {
        schema: "zoo".to_owned(),
        name: "penguins".to_owned(),
        columns: vec![column],
        comment: None,
        primary_key: Vec::new(),
        foreign_keys: Vec::new(),
    };
    Schema { tables: vec![table], ..Schema::default() }
}

fn prompt<'a>(question: &'a str, schema: &'a Schema) -> Prompt<'a> {
    Prompt {
        question,
        instructions: "",
        schema,
        summary: "",
        related: &[],
        recent: &[],
        tried: &[],
    }
}

async fn plan(provider: &dyn Provider) -> Result<Planned, Error> {
    provider.plan(&prompt("How many penguins?", &schema())).await
}

fn query(sql: &str) -> Plan {
    Plan::Query(sql.to_owned())
}

fn one_row() -> Rows {
    let column = ResultColumn { name: "count".to_owned(), type_name: "int8".to_owned() };
    Rows { columns: vec![column], rows: vec![vec![Some("344".to_owned())]], ..Rows::default() }
}

/// The texts of an answer, and what ended it.
async fn answer(provider: &dyn Provider) -> (Vec<String>, Result<Option<Usage>, Error>) {
    let (schema, rows) = (schema(), one_row());
    let prompt = prompt("How many penguins?", &schema);
    let mut pieces = provider.answer(&prompt, "SELECT count(*)", &rows);
    let (mut texts, mut usage) = (Vec::new(), None);
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(Piece::Text(text)) => texts.push(text),
            Ok(Piece::Usage(it)) => assert_eq!(usage.replace(it), None),
            Err(error) => return (texts, Err(error)),
        }
    }
    (texts, Ok(usage))
}

async fn summarize(provider: &dyn Provider) -> Result<Summarized, Error> {
    let turns = [Turn { question: "How many?".to_owned(), ..Turn::default() }];
    provider.summarize(&Conversation { summary: "", turns: &turns }).await
}

#[track_caller]
fn is_unreachable<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
}

#[track_caller]
fn is_overloaded<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Overloaded)), "{outcome:?}");
}

/// For how long the model is to be left alone.
#[track_caller]
fn is_busy<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Duration {
    match outcome {
        Err(error @ Error::Busy { .. }) if error.is_transient() => {
            error.retry_after().expect("a busy model says when to come back")
        }
        outcome => panic!("{outcome:?}"),
    }
}

/// An error that trying again can't mend, and what its cause says.
#[track_caller]
fn is_rejected<T: std::fmt::Debug>(outcome: Result<T, Error>, cause: &str) {
    match outcome {
        Err(error @ Error::Rejected(_)) => {
            assert_eq!(error.source().expect("it has a cause").to_string(), cause)
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[track_caller]
fn is_unusable<T: std::fmt::Debug>(outcome: Result<T, Error>, cause: &str) {
    match outcome {
        Err(error @ Error::Unusable(_)) => {
            let found = error.source().expect("it has a cause").to_string();
            assert!(found.contains(cause), "{found}");
        }
        outcome => panic!("{outcome:?}"),
    }
}
