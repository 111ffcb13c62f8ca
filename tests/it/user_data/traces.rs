//! Nothing of a user's is found anywhere afterwards, and all of the others' is.

use async_nats::jetstream;
use proto::v1::{self as pb, create_data_source_request::Kind};
use tokio_postgres::Client;

use super::delete_all;
use crate::harness::{Api, Expect as _, Harness, OtherDatabase, random_uuid, superuser_in};

/// No other text has it.
const MARK: &str = "zyxomma";

/// Puts the mark into everything that a user can say.
async fn say_everywhere(harness: &Harness, api: &Api) {
    let marked = |what: &str| format!("{MARK} {what}");
    let kind = Some(Kind::Dataset(pb::Dataset {}));
    let request_id = random_uuid();
    let request = pb::CreateDataSourceRequest { name: marked("data"), kind, request_id };
    let created = api.sources.clone().create_data_source(request).await.ok_response();
    let dataset = created.data_source.expect("it was created").id;
    let table = pb::ImportedTable {
        data_source_id: dataset,
        table_name: MARK.to_owned(),
        request_id: random_uuid(),
        ..Default::default()
    };
    let csv = format!("{MARK}_column\n{MARK} cell\n");
    api.import_as(table, &csv).await.expect("it is imported");
    let way = pb::PostgresSource {
        host: format!("{MARK}.example.org"),
        database: MARK.to_owned(),
        user: MARK.to_owned(),
        password: marked("password"),
        ..OtherDatabase::create("").await.way()
    };
    let kind = Some(Kind::Postgres(way));
    let request = pb::CreateDataSourceRequest { name: marked("way"), kind, ..Default::default() };
    api.sources.clone().create_data_source(request).await.ok_response();

    let request = pb::CreateAgentRequest {
        name: marked("agent"),
        data_source_id: dataset,
        instructions: marked("instructions"),
        table_allow_list: vec![MARK.to_owned()],
        privacy_mode: pb::PrivacyMode::Full.into(),
        sample_values: true,
        request_id: random_uuid(),
        ..Default::default()
    };
    let created = api.agents.clone().create_agent(request).await.ok_response();
    let agent = created.agent.expect("it was created").id;
    let [session, untitled] =
        [api.session(agent, &marked("title")).await, api.session(agent, "").await];
    for session in [session.id, untitled.id] {
        api.ask(session, &format!("SELECT * FROM {MARK}")).await;
        api.ask(session, &format!("SELECT '{MARK}' FROM nowhere")).await;
    }
    let run = api.start(session.id, &marked("question")).await;
    let reason = marked("reason");
    let request = pb::CancelRunRequest { run_id: run.id, reason, request_id: random_uuid() };
    api.runs.clone().cancel_run(request).await.ok_response();
    // As of a call with the header `tracestate`.
    let trace = format!(
        "UPDATE runs SET traceparent = '{MARK}', tracestate = 'a={MARK}' WHERE chat_session_id = {}",
        session.id
    );
    harness.execute(&trace).await;
    harness.all_is_embedded().await;
    api.delete_session(untitled.id).await;
}

/// Where a text is found in a database: in names, and in each row of each table as a text.
async fn found(client: &Client, text: &str) -> Vec<String> {
    let tables = "SELECT oid::regclass::text FROM pg_class
        WHERE relkind IN ('r', 'p', 'm', 't') AND relnamespace NOT IN (
            'information_schema'::regnamespace, 'pg_toast'::regnamespace
        )";
    let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut places = Vec::new();
    for row in client.query(tables, &[]).await.expect("the catalog can be read") {
        let table: String = row.get(0);
        let rows = format!(
            "SELECT count(*) FROM {table} it WHERE it::text ILIKE '%{text}%' OR it::text LIKE '%{hex}%'"
        );
        let rows: i64 = client.query_one(&rows, &[]).await.expect("it can be read").get(0);
        if rows > 0 {
            places.push(format!("{table}: {rows}"));
        }
    }
    places
}

/// How many messages that the streams keep hold a text.
async fn told(harness: &Harness, text: &str) -> usize {
    let jetstream = jetstream::new(harness.nats.clone());
    let mut told = 0;
    for name in ["RUNS", "RUN_EVENTS", "RUN_DEAD_LETTERS"] {
        let name = format!("{}_{name}", harness.names_prefix);
        let stream = jetstream.get_stream(name).await.expect("it is there");
        let state = &stream.cached_info().state;
        for sequence in state.first_sequence..=state.last_sequence {
            let Ok(message) = stream.get_raw_message(sequence).await else { continue };
            told +=
                usize::from(message.payload.windows(text.len()).any(|it| it == text.as_bytes()));
        }
    }
    told
}

/// All rows with a user's number.
async fn rows_of(harness: &Harness, user_id: i64) -> String {
    let mut rows = String::new();
    for table in [
        "data_sources",
        "agents",
        "chat_sessions",
        "runs",
        "messages",
        "message_embeddings",
        "idempotency_keys",
    ] {
        let sql = format!(
            "SELECT coalesce(string_agg(it::text, E'\\n' ORDER BY it::text), '')
            FROM {table} it WHERE user_id = {user_id}"
        );
        let found = harness.text(&sql).await;
        assert!(!found.is_empty(), "{table}");
        rows += &found;
    }
    rows
}

#[tokio::test]
async fn nothing_that_a_user_said_is_left_in_any_column_of_any_table_or_in_a_stream() {
    let (harness, _worker) = Harness::start().await;
    harness.log_is_there().await;
    let api = harness.api(1);
    say_everywhere(&harness, &api).await;
    let own = superuser_in(harness.database_url.rsplit_once('/').expect("a URL").1).await;
    let datasets = superuser_in(&harness.sources.store.source(1, "").database).await;
    // How values are distributed is noted with some of them.
    own.batch_execute("ANALYZE").await.unwrap();
    let before = (found(&own, MARK).await, found(&datasets, MARK).await);
    let told_before = told(&harness, MARK).await;

    delete_all(&harness, &api).await;

    assert!(
        5 < before.0.len() && 1 < before.1.len() && 5 < told_before,
        "{before:?} {told_before}"
    );
    assert_eq!(found(&own, MARK).await, Vec::<String>::new());
    assert_eq!(found(&datasets, MARK).await, Vec::<String>::new());
    assert_eq!(told(&harness, MARK).await, 0);
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ds\\_%'";
    assert_eq!(datasets.query_one(schemas, &[]).await.unwrap().get::<_, i64>(0), 0);
    let database = harness.sources.store.source(1, "").database;
    let roles = format!("SELECT count(*) FROM pg_roles WHERE rolname LIKE '{database}\\_ds\\_%'");
    assert_eq!(datasets.query_one(&roles, &[]).await.unwrap().get::<_, i64>(0), 0);
    let imports = "SELECT count(*) FROM tertulia.imports";
    assert_eq!(datasets.query_one(imports, &[]).await.unwrap().get::<_, i64>(0), 0);
    for (table, rows) in [
        ("data_sources", 0),
        ("agents", 0),
        ("chat_sessions", 0),
        ("runs", 0),
        ("run_results", 0),
        ("messages", 0),
        ("message_embeddings", 0),
        ("background_tasks", 0),
        ("run_event_purges", 0),
        // The deletion's own.
        ("idempotency_keys", 1),
    ] {
        assert_eq!(harness.number(&format!("SELECT count(*) FROM {table}")).await, rows, "{table}");
    }
}

#[tokio::test]
async fn what_others_have_is_untouched() {
    let (harness, _worker) = Harness::start().await;
    harness.log_is_there().await;
    let (api, other) = (harness.api(1), harness.api(2));
    for api in [&api, &other] {
        say_everywhere(&harness, api).await;
    }
    let (before, told_before) = (rows_of(&harness, 2).await, told(&harness, MARK).await);

    let deletion = delete_all(&harness, &api).await;

    assert!(deletion.deleted.is_some_and(|it| 0 < it.runs), "{deletion:?}");
    assert_eq!(rows_of(&harness, 2).await, before);
    assert_eq!(told(&harness, MARK).await, told_before / 2);
    let sessions = other.sessions.clone().list_sessions(pb::ListSessionsRequest::default()).await;
    let session = sessions.ok_response().sessions.remove(0);
    let (run, _) = other.ask(session.id, &format!("SELECT * FROM {MARK}")).await;
    assert_eq!(run.state(), pb::RunState::Succeeded, "{run:?}");
}
