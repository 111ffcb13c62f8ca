//! What is configured is kept to, and to ourselves.

use super::*;
use crate::harness::{ModelServer, Reply};

#[tokio::test]
async fn a_key_is_in_no_error_and_in_no_debug_output() {
    let server = ModelServer::start([Reply::refuses(401, &format!("wrong key: {KEY}"))]).await;
    let models = models(&server, json!({}), pacing());

    let error = plan(&*chat(&models)).await.unwrap_err();

    assert_eq!(server.seen()[0].headers["authorization"], format!("Bearer {KEY}").as_str());
    let cause = error.source().unwrap();
    assert_eq!(cause.to_string(), "HTTP 401");
    for shown in [format!("{error:?} {error}"), format!("{models:?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = ModelServer::start([Reply::says(&["SELECT 1"])]).await;
    let models = models(&server, json!({"api_key": null}), pacing());
    plan(&*chat(&models)).await.unwrap();
    assert!(!server.seen()[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_prompt_keeps_to_the_models_context() {
    let server = ModelServer::start([Reply::says(&["SELECT 1"])]).await;
    let models = models(&server, json!({"context_tokens": 2_048}), pacing());
    let question = "How many penguins? ".repeat(5_000);
    let schema = schema();

    chat(&models).plan(&prompt(&question, &schema)).await.unwrap();

    let messages = server.seen()[0].body["messages"].clone();
    let texts = messages.as_array().unwrap().iter().map(|it| it["content"].as_str().unwrap().len());
    assert!(texts.sum::<usize>() <= 3 * 1_024);
}
