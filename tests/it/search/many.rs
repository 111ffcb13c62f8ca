//! By meaning, among many: the recall contract.

use dev::recall::{Clusters, MODEL, Measured, fill};
use model::Models;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};
use storage::{
    Database, UserId,
    search::{self, EXACT_UP_TO, Filter, Found, Meaning, Query},
};
use tokio_postgres::{Client, NoTls};

use super::plans::explain;
use crate::harness::Harness;

const MANY: i64 = 10_000;
const FEW: i64 = 10;

async fn find(db: &Database, query: &Query, embedding: &[f32]) -> Vec<Found> {
    let meaning = Meaning { model: MODEL.to_owned(), embedding: embedding.to_vec() };
    search::by_meaning(db, query, &meaning).await.expect("the database answers")
}

fn query(user_id: i64, limit: u16) -> Query {
    Query { user_id: UserId(user_id), filter: Filter::default(), limit }
}

fn ids(found: &[Found]) -> Vec<i64> {
    found.iter().map(|it| it.message.id.0).collect()
}

/// The nearest messages that fulfil a condition, compared one by one.
async fn nearest(client: &Client, condition: &str, embedding: &[f32], limit: u16) -> Vec<i64> {
    let numbers: Vec<String> = embedding.iter().map(ToString::to_string).collect();
    let query = format!(
        "SELECT message_id FROM message_embeddings e JOIN messages m ON m.id = message_id
        WHERE {condition} ORDER BY (embedding <=> '[{}]') + 0 LIMIT {limit}",
        numbers.join(",")
    );
    let rows = client.query(&query, &[]).await.expect("the query is right");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn who_asks_for_some_gets_as_many_and_the_right_ones_whether_they_have_many_or_few() {
    let harness = Harness::without_worker().await;
    let (client, connection) = tokio_postgres::connect(&harness.database_url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mut clusters = Clusters::new(7);
    fill(&client, &mut clusters, &[(1, MANY), (2, FEW)]).await.unwrap();
    assert!(EXACT_UP_TO < MANY && MODEL == Models::BUILTIN);

    the_index_is_asked(&harness.db, &clusters.vector()).await;
    let mut measured = Measured::new(1, MANY);
    for _ in 0..50 {
        measured.search(&harness.db, &client, clusters.vector()).await.unwrap();
    }
    assert!(0.95 <= measured.recall(), "{measured}");

    let vector = clusters.vector();
    let all = find(&harness.db, &query(2, 50), &vector).await;
    assert_eq!(ids(&all), nearest(&client, "e.user_id = 2", &vector, 50).await);
    assert_eq!(all.len(), 10);
    filters_take_nothing_away(&harness, &client, &vector).await;
    what_the_index_does_not_know_is_found(&harness, &vector).await;
    the_few_that_a_filter_lets_through_are_all_found(&harness, &vector).await;
}

async fn the_index_is_asked(db: &Database, embedding: &[f32]) {
    let meaning = Meaning { model: MODEL.to_owned(), embedding: embedding.to_vec() };
    let [bounds, settings, statement] = search::index_statements(&query(1, 10), &meaning);
    let tx = storage::transaction(db).await.expect("the database answers");
    for settings in [bounds, settings] {
        tx.execute_raw(settings).await.expect("they are settings");
    }
    let plan = explain(&tx, statement).await;
    assert!(plan.contains("Index Scan using message_embeddings_embedding_idx"), "{plan}");
    let jit = Statement::from_string(DbBackend::Postgres, "SHOW jit");
    let jit = tx.query_one_raw(jit).await.expect("it is right").expect("there is a row");
    assert_eq!(jit.try_get_by_index::<String>(0).expect("it is text"), "off");
}

/// The nearer half of the messages is older than the others.
async fn filters_take_nothing_away(harness: &Harness, client: &Client, vector: &[f32]) {
    let near = nearest(client, "e.user_id = 1", vector, 4_000).await;
    let near: Vec<String> = near.iter().map(ToString::to_string).collect();
    let age = "UPDATE messages SET created_at = '2020-01-01' WHERE id IN";
    harness.execute(&format!("{age} ({})", near.join(","))).await;
    let time = "2021-01-01T00:00:00Z".parse().ok();
    let later = Filter { created_after: time, ..Filter::default() };
    let earlier = Filter { created_before: time, ..Filter::default() };

    for (filter, condition) in [
        (later, "e.user_id = 1 AND m.created_at > '2021-01-01'"),
        (earlier, "e.user_id = 1 AND m.created_at < '2021-01-01'"),
    ] {
        let found = find(&harness.db, &Query { filter, ..query(1, 50) }, vector).await;
        let nearest = nearest(client, condition, vector, 50).await;
        assert_eq!(found.len(), 50);
        let right = ids(&found).iter().filter(|id| nearest.contains(id)).count();
        assert!(45 <= right, "{condition}: {right} of 50");
        assert!(found.is_sorted_by(|one, next| next.score <= one.score));
    }
}

/// Of a vector without a direction the index knows nothing.
async fn what_the_index_does_not_know_is_found(harness: &Harness, vector: &[f32]) {
    let forget = "UPDATE message_embeddings SET embedding = array_fill(0, ARRAY[1536])::vector
        FROM messages m WHERE m.id = message_id AND m.created_at > '2021-01-01' AND m.user_id = 1";
    harness.execute(forget).await;
    let created_after = "2021-01-01T00:00:00Z".parse().ok();
    let filter = Filter { created_after, ..Filter::default() };

    let found = find(&harness.db, &Query { filter, ..query(1, 50) }, vector).await;

    assert_eq!(found.len(), 50);
}

async fn the_few_that_a_filter_lets_through_are_all_found(harness: &Harness, vector: &[f32]) {
    let few = "UPDATE messages SET created_at = '2030-01-01' WHERE id IN (
        SELECT id FROM messages WHERE user_id = 1 ORDER BY id LIMIT 3)";
    harness.execute(few).await;
    let created_after = "2029-01-01T00:00:00Z".parse().ok();
    let filter = Filter { created_after, ..Filter::default() };

    let found = find(&harness.db, &Query { filter, ..query(1, 50) }, vector).await;

    assert_eq!(found.len(), 3);
}
