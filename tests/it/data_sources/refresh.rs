use futures::future::join_all;
use proto::v1::{self as pb, PrivacyMode};
use serde_json::json;
use storage::{DataSourceId, UserId, data_sources};

use super::{OtherDatabase, columns, create_postgres, get_schema, redirect, refresh_schema};
use crate::harness::{Api, Expect as _, Harness};

/// A database with a table that its role can read.
async fn shop() -> OtherDatabase {
    let database = OtherDatabase::create("").await;
    change(&database, "CREATE TABLE orders (id int PRIMARY KEY, note text)").await;
    database
}

/// Changes what there is in a database, all of which its role can read.
async fn change(database: &OtherDatabase, statements: &str) {
    let grant = format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}", database.name);
    let changed = database.admin.batch_execute(&format!("{statements}; {grant}")).await;
    changed.expect("the statements are valid");
}

fn names(tables: &[pb::Table]) -> Vec<&str> {
    tables.iter().map(|it| it.name.as_str()).collect()
}

async fn agent(api: &Api, settings: pb::CreateAgentRequest) -> i64 {
    let request = pb::CreateAgentRequest { name: "An agent".to_owned(), ..settings };
    let response = api.agents.clone().create_agent(request).await.ok_response();
    response.agent.expect("it was created").id
}

/// What an agent's model sees.
async fn seen(api: &Api, data_source_id: i64, agent_id: i64) -> pb::GetSchemaResponse {
    let request = pb::GetSchemaRequest { data_source_id, agent_id };
    api.sources.clone().get_schema(request).await.ok_response()
}

#[tokio::test]
async fn a_schema_stays_as_it_was_read_until_it_is_refreshed() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    let id = create_postgres(&api, database.way()).await.id;

    let first = get_schema(&api, id).await.ok_response();
    change(&database, "ALTER TABLE orders ADD total numeric").await;
    let kept = get_schema(&api, id).await.ok_response();
    let fresh = refresh_schema(&api, id).await.ok_response();
    let after = get_schema(&api, id).await.ok_response();

    assert_eq!(columns(&first.tables[0]), [("id", "integer"), ("note", "text")]);
    assert!(first.read_at.is_some());
    assert_eq!(kept, first);
    assert_eq!(columns(&fresh.tables[0])[2], ("total", "numeric"));
    assert!(first.version < fresh.version);
    assert_eq!(
        (after.tables, after.version, after.read_at),
        (fresh.tables, fresh.version, fresh.read_at)
    );
}

#[tokio::test]
async fn a_refresh_that_finds_nothing_new_keeps_the_version() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    let id = create_postgres(&api, database.way()).await.id;

    let first = refresh_schema(&api, id).await.ok_response();
    let second = refresh_schema(&api, id).await.ok_response();

    assert_eq!((&second.tables, second.version), (&first.tables, first.version));
    assert_ne!(second.read_at, first.read_at);
}

#[tokio::test]
async fn refreshes_at_once_all_give_what_is_there() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    let id = create_postgres(&api, database.way()).await.id;
    let before = get_schema(&api, id).await.ok_response();
    change(&database, "CREATE TABLE wages (amount int)").await;

    let refreshed = join_all((0..8).map(|_| refresh_schema(&api, id))).await;

    for refreshed in refreshed {
        let refreshed = refreshed.ok_response();
        assert_eq!(names(&refreshed.tables), ["orders", "wages"]);
        assert_eq!(refreshed.version, before.version + 1);
    }
    let kept = get_schema(&api, id).await.ok_response();
    assert_eq!((names(&kept.tables), kept.version), (vec!["orders", "wages"], before.version + 1));
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_what_was_read() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    let id = create_postgres(&api, database.way()).await.id;
    let before = get_schema(&api, id).await.ok_response();

    let close = format!("ALTER ROLE {0} NOLOGIN", database.name);
    database.admin.batch_execute(&close).await.unwrap();
    let drop = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{}'",
        database.name
    );
    database.admin.batch_execute(&drop).await.unwrap();
    let refreshed = refresh_schema(&api, id).await;

    refreshed.refused(tonic::Code::FailedPrecondition, "DATA_SOURCE_REFUSED");
    assert_eq!(get_schema(&api, id).await.ok_response(), before);
}

#[tokio::test]
async fn another_way_and_an_import_have_the_schema_read_anew() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (one, other) = (shop().await, OtherDatabase::create("").await);
    let id = create_postgres(&api, one.way()).await.id;
    let before = get_schema(&api, id).await.ok_response();
    let dataset = api.dataset().await;
    let empty = get_schema(&api, dataset).await.ok_response();

    redirect(&api, id, other.way()).await.ok_response();
    let after = get_schema(&api, id).await.ok_response();
    api.import(dataset, "t", "n\n1\n").await.unwrap();
    let full = get_schema(&api, dataset).await.ok_response();

    assert_eq!((names(&before.tables), after.tables.len()), (vec!["orders"], 0));
    assert_eq!((empty.tables.len(), names(&full.tables)), (0, vec!["t"]));
    assert!(before.version < after.version && empty.version < full.version);
}

#[tokio::test]
async fn what_was_read_before_a_change_is_not_kept_after_it() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (one, other) = (shop().await, shop().await);
    let id = create_postgres(&api, one.way()).await.id;
    let old = data_sources::get(&harness.db, UserId(1), DataSourceId(id)).await.unwrap();
    redirect(&api, id, other.way()).await.ok_response();
    let before = get_schema(&api, id).await.ok_response();

    let nothing = json!({ "tables": [] });
    let stored = data_sources::store_schema(&harness.db, &old, nothing).await.unwrap();
    let samples = json!({ "public": { "orders": { "note": ["from elsewhere"] } } });
    data_sources::store_samples(&harness.db, &old, samples).await.unwrap();

    assert_eq!(stored, None);
    assert_eq!(get_schema(&api, id).await.ok_response(), before);
    let kept = "SELECT count(*) FROM data_sources WHERE sample_values IS NOT NULL";
    assert_eq!(harness.number(kept).await, 0);
}

#[tokio::test]
async fn an_agents_model_sees_what_its_allow_list_names_with_values_if_it_may() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    change(
        &database,
        "CREATE TABLE wages (amount int); INSERT INTO orders VALUES (7, 'Ada'), (8, 'Ada')",
    )
    .await;
    let data_source_id = create_postgres(&api, database.way()).await.id;
    let narrow = pb::CreateAgentRequest {
        data_source_id,
        table_allow_list: vec!["orders".to_owned()],
        ..Default::default()
    };
    let shown = pb::CreateAgentRequest {
        privacy_mode: PrivacyMode::Full.into(),
        sample_values: true,
        ..narrow.clone()
    };
    let (narrow, shown) = (agent(&api, narrow).await, agent(&api, shown).await);
    let samples = |it: &pb::GetSchemaResponse| {
        it.tables[0].columns.iter().map(|it| it.samples.clone()).collect::<Vec<_>>()
    };

    let all = seen(&api, data_source_id, 0).await;
    let with_values = seen(&api, data_source_id, shown).await;
    let without = seen(&api, data_source_id, narrow).await;
    database.admin.batch_execute("UPDATE orders SET note = 'Eve'").await.unwrap();
    let kept = seen(&api, data_source_id, shown).await;
    refresh_schema(&api, data_source_id).await.ok_response();
    let fresh = seen(&api, data_source_id, shown).await;

    assert_eq!(names(&all.tables), ["orders", "wages"]);
    assert_eq!(
        (names(&without.tables), names(&with_values.tables)),
        (vec!["orders"], vec!["orders"])
    );
    assert_eq!(without.version, all.version);
    for silent in [&all, &without] {
        assert!(samples(silent).concat().is_empty(), "{silent:?}");
    }
    assert_eq!(samples(&with_values)[1], ["Ada"]);
    assert_eq!(kept, with_values);
    assert_eq!(samples(&fresh)[1], ["Eve"]);
}

#[tokio::test]
async fn comments_keys_and_labels_are_shown() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let database = shop().await;
    change(
        &database,
        "CREATE TYPE state AS ENUM ('open', 'paid');
         CREATE TABLE items (order_id int REFERENCES orders, place int, state state,
             PRIMARY KEY (order_id, place));
         COMMENT ON TABLE items IS 'What was ordered';
         COMMENT ON COLUMN items.place IS 'From 1'",
    )
    .await;
    let id = create_postgres(&api, database.way()).await.id;

    let schema = get_schema(&api, id).await.ok_response();

    let items = &schema.tables[0];
    assert_eq!((&*items.name, &*items.comment), ("items", "What was ordered"));
    assert_eq!(items.primary_key, ["order_id", "place"]);
    let key = pb::ForeignKey {
        columns: vec!["order_id".to_owned()],
        schema: "public".to_owned(),
        table: "orders".to_owned(),
        referenced_columns: vec!["id".to_owned()],
    };
    assert_eq!(items.foreign_keys, [key]);
    assert_eq!((&*items.columns[1].comment, &*items.columns[0].comment), ("From 1", ""));
    assert_eq!(items.columns[2].labels, ["open", "paid"]);
}
