use model::Plan;
use proto::v1::{self as pb, RunState, create_data_source_request::Kind};

use crate::harness::{Analyst, Api, Expect as _, Harness, OtherDatabase};

async fn session_on(api: &Api, database: &OtherDatabase) -> i64 {
    let kind = Some(Kind::Postgres(database.way()));
    let request =
        pb::CreateDataSourceRequest { name: "Shop".to_owned(), kind, ..Default::default() };
    let source = api.sources.clone().create_data_source(request).await.ok_response().data_source;
    let agent = api.agent_on(source.expect("it was created").id).await;
    api.session(agent, "").await.id
}

async fn shop() -> OtherDatabase {
    let database = OtherDatabase::create("").await;
    let tables = format!(
        "CREATE TABLE orders (id int, total numeric); GRANT SELECT ON orders TO {};",
        database.name
    );
    database.admin.batch_execute(&tables).await.expect("it can be created");
    database
}

#[tokio::test]
async fn after_a_column_is_missing_the_model_sees_the_columns_that_there_are() {
    let database = shop().await;
    let analyst = Analyst::shared(|prompt| {
        let columns = prompt.schema.tables.iter().flat_map(|it| &it.columns);
        let amount =
            columns.map(|it| it.name.as_str()).find(|it| *it == "total" || *it == "amount");
        Plan::Query(format!("SELECT sum({}) FROM orders", amount.unwrap_or("nothing")))
    });
    let harness = Harness::without_worker().await;
    let _worker = harness.worker(analyst, 1);
    let api = harness.api(1);
    let session_id = session_on(&api, &database).await;
    api.ask(session_id, "How much?").await;
    let rename = "ALTER TABLE orders RENAME total TO amount";
    database.admin.batch_execute(rename).await.expect("it can be renamed");

    let (run, _) = api.ask(session_id, "And now?").await;

    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    assert!(run.sql_query.contains("sum(amount)"), "{}", run.sql_query);
}

#[tokio::test]
async fn a_table_that_is_new_is_found_once_the_schema_is_not() {
    let database = shop().await;
    let analyst = Analyst::obedient();
    let harness = Harness::without_worker().await;
    let _worker = harness.worker(analyst, 1);
    let api = harness.api(1);
    let session_id = session_on(&api, &database).await;
    api.ask(session_id, "SELECT count(*) FROM orders").await;
    let create =
        format!("CREATE TABLE items (id int); GRANT SELECT ON items TO {};", database.name);
    database.admin.batch_execute(&create).await.expect("it can be created");

    let (fresh, _) = api.ask(session_id, "SELECT count(*) FROM items").await;
    let age = "UPDATE data_sources SET schema_read_at = schema_read_at - interval '2 minutes'";
    harness.execute(age).await;
    let (old, _) = api.ask(session_id, "SELECT count(*) FROM items").await;

    assert_eq!(fresh.error.map(|it| it.reason), Some("SQL_TABLE_NOT_ALLOWED".to_owned()));
    assert_eq!(old.state(), RunState::Succeeded, "{old:?}");
}
