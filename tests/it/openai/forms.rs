//! What is sent, and how it changes with what a server takes.

use super::*;
use crate::harness::{ModelServer, Reply};

/// The forms that were asked for, in order.
fn forms(server: &ModelServer) -> Vec<Option<String>> {
    let form = |body: &Value| body["response_format"]["type"].as_str().map(str::to_owned);
    server.seen().iter().map(|it| form(&it.body)).collect()
}

#[tokio::test]
async fn a_plan_is_asked_for_by_a_strict_schema_and_as_a_stream() {
    let server = ModelServer::start([Reply::says(&["SELECT 1"])]).await;
    plan(&*patient(&server)).await.unwrap();

    let seen = &server.seen()[0];
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.headers["authorization"], format!("Bearer {KEY}").as_str());
    let body = &seen.body;
    assert_eq!(body["model"], "family/chat");
    assert_eq!(body["stream"], true);
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    let schema = &body["response_format"]["json_schema"];
    assert_eq!(schema["strict"], true);
    assert_eq!(schema["schema"]["required"], json!(["sql", "reply"]));
    assert_eq!(schema["schema"]["additionalProperties"], false);
    assert_eq!(body["max_tokens"], 1_024);
    for left_out in ["temperature", "max_completion_tokens"] {
        assert_eq!(body.get(left_out), None);
    }
    let messages = body["messages"].as_array().unwrap();
    assert!(messages[0]["content"].as_str().unwrap().contains("TABLE zoo.penguins"));
    assert_eq!(messages.last().unwrap(), &json!({"role": "user", "content": "How many penguins?"}));
}

#[tokio::test]
async fn a_form_that_is_refused_is_not_asked_for_again() {
    let server = ModelServer::start([
        Reply::refuses(400, "response_format 'json_schema' is not supported"),
        Reply::refuses(400, "Unknown parameter: 'response_format.type'"),
        Reply::says(&["```sql\nSELECT 1\n```"]),
    ])
    .await;
    let provider = patient(&server);

    assert_eq!(plan(&*provider).await.unwrap().plan, query("SELECT 1"));
    plan(&*provider).await.unwrap();

    let (schema, object) = (Some("json_schema".to_owned()), Some("json_object".to_owned()));
    assert_eq!(forms(&server), [schema, object, None, None]);
}

#[tokio::test]
async fn a_form_can_be_configured() {
    for (configured, forms_sent) in
        [("json_schema", Some("json_schema")), ("json_object", Some("json_object")), ("off", None)]
    {
        let server = ModelServer::start([Reply::says(&["SELECT 1"])]).await;
        let fields = json!({"structured_output": configured});
        plan(&*chat(&models(&server, fields, pacing()))).await.unwrap();
        assert_eq!(forms(&server), [forms_sent.map(str::to_owned)]);
    }
}

#[tokio::test]
async fn whatever_else_is_refused_by_name_is_left_out() {
    let server = ModelServer::start([
        Reply::refuses(400, "stream_options is not permitted"),
        Reply::refuses(400, "'temperature' does not support 0 with this model"),
        Reply::refuses(400, "Use 'max_completion_tokens' instead of 'max_tokens'."),
        Reply::says(&["SELECT 1"]),
    ])
    .await;
    let fields = json!({"temperature": 0, "max_output_tokens": 100});
    let provider = chat(&models(&server, fields, pacing()));

    plan(&*provider).await.unwrap();
    plan(&*provider).await.unwrap();

    let seen = server.seen();
    assert_eq!(seen.len(), 5);
    assert_eq!(
        (&seen[0].body["temperature"], &seen[0].body["max_tokens"]),
        (&json!(0.0), &json!(100))
    );
    for it in &seen[3..] {
        for left_out in ["stream_options", "temperature", "max_tokens"] {
            assert_eq!(it.body.get(left_out), None);
        }
        assert_eq!(it.body["max_completion_tokens"], 100);
        assert_eq!(it.body["response_format"]["type"], "json_schema");
    }
}

#[tokio::test]
async fn a_refusal_that_names_nothing_that_was_sent_is_final() {
    let server = ModelServer::start([Reply::refuses(400, "temperature is too high today")]).await;
    is_rejected(plan(&*patient(&server)).await, "HTTP 400");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_answer_and_a_summary_have_forms_of_their_own() {
    let summary = "{\"summary\": \"On \\u0007penguins.\", \"title\": \"\\\"Penguins\\\"\\n\"}";
    let server = ModelServer::start([Reply::says(&["344."]), Reply::says(&[summary])]).await;
    let provider = patient(&server);

    answer(&*provider).await.1.unwrap();
    let summarized = summarize(&*provider).await.unwrap();

    let expected = Summarized {
        summary: "On penguins.".to_owned(),
        title: "Penguins".to_owned(),
        usage: USAGE,
    };
    assert_eq!(summarized, expected);
    assert_eq!(forms(&server), [None, Some("json_schema".to_owned())]);
    let told = server.seen()[0].body["messages"][1]["content"].to_string();
    assert!(told.contains("344") && told.contains("whole result; it has 1 rows"), "{told}");
}

#[tokio::test]
async fn a_summary_of_nothing_is_none() {
    let server =
        ModelServer::start([Reply::says(&["{\"summary\": \"\", \"title\": \"x\"}"])]).await;
    is_unusable(summarize(&*patient(&server)).await, "no summary");
}
