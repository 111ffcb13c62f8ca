//! Texts into numbers, and servers that get them wrong.

use model::DIMENSIONS;

use super::*;
use crate::harness::{ModelServer, Reply};

fn numbers(first: f64) -> Vec<f64> {
    let mut numbers = vec![0.0; DIMENSIONS];
    numbers[0] = first;
    numbers
}

fn item(index: usize, embedding: &[f64]) -> Value {
    json!({"index": index, "embedding": embedding})
}

fn reply(data: &[Value]) -> Reply {
    Reply::json(&json!({"object": "list", "data": data, "model": "x"}))
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|it| format!("text {it}")).collect()
}

async fn embed(server: &ModelServer, count: usize) -> Result<Vec<Vec<f32>>, Error> {
    embedder(&models(server, json!({}), pacing())).provider.embed(&texts(count)).await
}

#[tokio::test]
async fn texts_are_sent_in_batches_and_embedded_in_their_order() {
    let server = ModelServer::start([
        reply(&[item(1, &numbers(2.0)), item(0, &numbers(1.0))]),
        reply(&[item(0, &numbers(3.0))]),
    ])
    .await;
    let models = models(&server, json!({"embedding_batch": 2}), pacing());

    let embedded = embedder(&models).provider.embed(&texts(3)).await.unwrap();

    let firsts: Vec<f32> = embedded.iter().map(|it| it[0]).collect();
    assert_eq!(firsts, [1.0, 2.0, 3.0]);
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/embeddings");
    let expected =
        json!({"model": "embed", "input": ["text 0", "text 1"], "encoding_format": "float"});
    assert_eq!(seen[0].body, expected);
    assert_eq!(seen[1].body["input"], json!(["text 2"]));
}

#[tokio::test]
async fn dimensions_are_sent_on_request_only_and_no_text_costs_nothing() {
    let server = ModelServer::start([reply(&[item(0, &numbers(1.0))])]).await;
    let models = models(&server, json!({"embedding_dimensions": true}), pacing());
    let embedder = embedder(&models);

    assert!(embedder.provider.embed(&[]).await.unwrap().is_empty());
    assert!(server.seen().is_empty());
    embedder.provider.embed(&texts(1)).await.unwrap();

    assert_eq!(server.seen()[0].body["dimensions"], DIMENSIONS);
}

#[tokio::test]
async fn what_is_no_embedding_is_not_stored_as_one() {
    let broken = |place: usize, value: Value| {
        let mut numbers = json!(numbers(1.0));
        numbers[place] = value;
        reply(&[json!({"index": 0, "embedding": numbers})])
    };
    let not_a_number = format!("{{\"data\": [{{\"embedding\": [NaN{}]}}]}}", ", 0".repeat(1_535));
    for (reply, cause) in [
        (reply(&[item(0, &[1.0; 768])]), "embedding 0 has 768 numbers instead of 1536"),
        (reply(&[]), "0 embeddings for 1 texts"),
        (reply(&[item(0, &numbers(1.0)), item(1, &numbers(1.0))]), "2 embeddings for 1 texts"),
        (reply(&[item(3, &numbers(1.0))]), "embedding 3 is not one of the texts"),
        (reply(&[item(0, &numbers(0.0))]), "embedding 0 is all zeros"),
        (broken(9, json!(null)), "something else than a finite number at 9"),
        (broken(9, json!("1")), "something else than a finite number at 9"),
        (broken(9, json!(1e300)), "something else than a finite number at 9"),
        (Reply::Plain(200, Vec::new(), not_a_number), "expected"),
        (Reply::Plain(200, Vec::new(), "<html>".to_owned()), "expected"),
        (Reply::json(&json!({"embeddings": []})), "no list of embeddings"),
    ] {
        let server = ModelServer::start([reply]).await;
        is_unusable(embed(&server, 1).await, cause);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn embedding_is_tried_again_like_everything_else() {
    let good = reply(&[item(0, &numbers(1.0))]);
    let server = ModelServer::start([Reply::fails(429), Reply::fails(500), good]).await;
    embed(&server, 1).await.unwrap();

    server.go_on([Reply::refuses(401, "who are you")]);
    is_rejected(embed(&server, 1).await, "HTTP 401");
}
