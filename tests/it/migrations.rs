mod patience;

use futures::future;
use migration::{Migrator, MigratorTrait as _};
use tokio_postgres::{Client, NoTls};

use crate::harness::{empty_database, eventually};

/// Everything in the schema `public`, one object a line.
const OBJECTS: &str = "
    SELECT format('column %s.%s %s null:%s default:%s generated:%s %s', table_name, column_name,
                  data_type, is_nullable, column_default, generation_expression, is_identity)
      FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT pg_get_functiondef(oid) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
       -- Those of an extension, which stays, are not ours.
       AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL
    SELECT format('sequence %s', sequence_name)
      FROM information_schema.sequences WHERE sequence_schema = 'public'
    ORDER BY 1";

async fn log_in(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("it answers");
    tokio::spawn(connection);
    client
}

async fn objects(client: &Client) -> Vec<String> {
    let rows = client.query(OBJECTS, &[]).await.expect("the catalog can be read");
    rows.into_iter().map(|row| row.get(0)).collect()
}

fn all_steps() -> u32 {
    u32::try_from(Migrator::migrations().len()).expect("there are few")
}

#[tokio::test]
async fn up_down_and_up_again_give_the_same_schema() {
    let url = empty_database().await;
    let client = log_in(&url).await;

    migration::up(&url).await.unwrap();
    let first = objects(&client).await;
    migration::down(&url, all_steps()).await.unwrap();
    let between = objects(&client).await;
    migration::up(&url).await.unwrap();
    let second = objects(&client).await;

    let is_ours = |object: &&String| !object.contains("seaql_migrations");
    assert_eq!(between.iter().filter(is_ours).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(first.iter().any(|it| it.starts_with("column messages.sequence_order bigint")));
    assert_eq!(first, second);
}

#[tokio::test]
async fn each_step_down_and_up_again_gives_the_same_schema() {
    let url = empty_database().await;
    let client = log_in(&url).await;
    migration::up(&url).await.unwrap();
    let expected = objects(&client).await;

    for steps in 1..all_steps() {
        migration::down(&url, steps).await.unwrap();
        migration::up(&url).await.unwrap();
        assert_eq!(objects(&client).await, expected, "after {steps} steps down");
    }
}

const MEMORY: &str = "add_agent_memory";
const INDEXES: &str = "index_retention";
const REPLACED: &str = "index_run_states";

/// How many steps back lead to where a migration was not applied yet.
fn steps_before(name: &str) -> u32 {
    let place = Migrator::migrations().iter().position(|it| it.name().ends_with(name));
    all_steps() - u32::try_from(place.expect("there is one")).expect("there are few")
}

/// A row in every table that the agents' memory changes, as an older release left it.
const OLD_ROWS: &str = "
    INSERT INTO data_sources (id, user_id, name, kind, schema_snapshot)
        VALUES (1, 1, 'Data', 'dataset', '{}');
    INSERT INTO agents (id, user_id, name, data_source_id, model, instructions, table_allow_list,
        max_rows, statement_timeout_ms) VALUES (1, 1, 'Agent', 1, 'builtin', '', '{}', 100, 1000);
    INSERT INTO chat_sessions (id, user_id, agent_id, title, total_messages, context_summary,
        deleted_at, purge_at) VALUES
        (1, 1, 1, 'Titled', 2, 'It was about sales.', NULL, NULL),
        (2, 1, 1, '', 0, '', NULL, NULL), (3, 1, 1, '', 1, '', now(), now());
    INSERT INTO runs (id, chat_session_id, agent_id, user_id, question, truncated, state,
        admitted_at, wake_at, ended_at, expires_at)
        SELECT n, n, 1, 1, 'sales?', n = 1, 'succeeded', now(), NULL, now(), now()
        FROM unnest(ARRAY[1, 3]) AS n;
    INSERT INTO messages (id, chat_session_id, run_id, role, content, sequence_order, finish_reason)
        VALUES (1, 1, 1, 'user', 'sales?', 1, NULL), (2, 1, 1, 'assistant', '12 sales', 2, 'stop'),
        (3, 3, 3, 'user', 'sales?', 1, NULL);
";

/// What the rows say as one text.
async fn told(client: &Client, sql: &str) -> String {
    let sql = format!("SELECT string_agg(one::text, ' ' ORDER BY one) FROM ({sql}) one");
    client.query_one(&sql, &[]).await.expect("the query is right").get(0)
}

#[tokio::test]
async fn rows_of_an_older_release_are_brought_on_and_back_and_nothing_is_let_out_for_it() {
    let url = empty_database().await;
    let client = log_in(&url).await;
    migration::up(&url).await.unwrap();
    migration::down(&url, steps_before(MEMORY)).await.unwrap();
    client.batch_execute(OLD_ROWS).await.unwrap();

    migration::up(&url).await.unwrap();
    for (sql, expected) in [
        ("SELECT id, user_id, cells FROM messages", "(1,1,none) (2,1,rows) (3,1,none)"),
        ("SELECT id FROM messages WHERE words @@ 'sale & ''owner:1'''", "(1) (2) (3)"),
        ("SELECT kind, subject_id FROM background_tasks", "(embed,1) (embed,2)"),
        (
            "SELECT id, summary_cells, is_titled FROM chat_sessions",
            "(1,rows,t) (2,none,f) (3,none,t)",
        ),
        ("SELECT id, truncated_by FROM runs", "(1,rows) (3,)"),
        ("SELECT id, schema_snapshot IS NULL, schema_read_at IS NULL FROM data_sources", "(1,t,t)"),
        ("SELECT id, privacy_mode, sample_values FROM agents", "(1,none,f)"),
    ] {
        assert_eq!(told(&client, sql).await, expected, "{sql}");
    }

    migration::down(&url, steps_before(MEMORY)).await.unwrap();
    let sessions = "SELECT id, title, context_summary = '' FROM chat_sessions";
    assert_eq!(told(&client, sessions).await, r#"(1,Titled,t) (2,"",t) (3,"",t)"#);
    assert_eq!(told(&client, "SELECT id, truncated FROM runs").await, "(1,t) (3,f)");
    assert_eq!(
        told(&client, "SELECT id, content FROM messages WHERE id = 2").await,
        r#"(2,"12 sales")"#
    );

    migration::up(&url).await.unwrap();
    let cells = "SELECT id, summary_cells FROM chat_sessions";
    assert_eq!(told(&client, cells).await, "(1,none) (2,none) (3,none)");
}

#[tokio::test]
async fn what_is_not_said_to_be_free_of_data_is_taken_for_rows() {
    let url = empty_database().await;
    migration::up(&url).await.unwrap();

    let defaults = "SELECT table_name, column_name, column_default FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name IN ('cells', 'summary_cells')";

    let expected = "(chat_sessions,summary_cells,'rows'::text) (messages,cells,'rows'::text)";
    assert_eq!(told(&log_in(&url).await, defaults).await, expected);
}

#[tokio::test]
async fn indexes_are_made_while_others_write_and_one_that_broke_off_is_made_anew() {
    let url = empty_database().await;
    let (client, mut writer) = (log_in(&url).await, log_in(&url).await);
    migration::up(&url).await.unwrap();
    let expected = objects(&client).await;
    migration::down(&url, steps_before(INDEXES)).await.unwrap();
    client.batch_execute(OLD_AGENT).await.unwrap();
    client.batch_execute(BROKEN_OFF).await.unwrap();

    let going_on = writer.transaction().await.unwrap();
    going_on.batch_execute("UPDATE agents SET name = 'renamed'").await.unwrap();
    let migrating = tokio::spawn({
        let url = url.clone();
        async move { migration::up(&url).await }
    });
    let waits = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%'
            AND wait_event_type = 'Lock'";
    eventually("an index that waits for the one who writes", async || {
        let waiting: i64 = client.query_one(waits, &[]).await.expect("it answers").get(0);
        (waiting == 1).then_some(())
    })
    .await;
    client.batch_execute("SET lock_timeout = '1s'").await.unwrap();
    client.batch_execute("INSERT INTO agents SELECT 2, * FROM others").await.unwrap();
    going_on.commit().await.unwrap();

    migrating.await.unwrap().unwrap();
    client.batch_execute("DROP VIEW others").await.unwrap();
    assert_eq!(objects(&client).await, expected);
}

#[tokio::test]
async fn an_index_is_there_until_another_has_taken_its_place() {
    const OLD: &str = "runs_user_id_unfinished_idx";
    const NEW: &str = "runs_user_id_state_idx";
    let url = empty_database().await;
    let client = log_in(&url).await;

    migration::up(&url).await.unwrap();
    let after = objects(&client).await;
    migration::down(&url, steps_before(REPLACED)).await.unwrap();
    let before = objects(&client).await;

    let has = |objects: &[String], index: &str| objects.iter().any(|it| it.contains(index));
    assert_eq!([OLD, NEW].map(|index| has(&before, index)), [true, false]);
    assert_eq!([OLD, NEW].map(|index| has(&after, index)), [false, true]);
}

/// An index that was not made to its end, of which nothing is as it should be.
const BROKEN_OFF: &str = "
    CREATE INDEX agents_deleted_at_idx ON agents (id);
    UPDATE pg_index SET indisvalid = false
        WHERE indexrelid = 'agents_deleted_at_idx'::regclass";

/// One, and a view of what it has but its id.
const OLD_AGENT: &str = "
    INSERT INTO data_sources (id, user_id, name, kind) VALUES (1, 1, 'Data', 'dataset');
    INSERT INTO agents (id, user_id, name, data_source_id, model, instructions, table_allow_list,
        max_rows, statement_timeout_ms) VALUES (1, 1, 'Agent', 1, 'builtin', '', '{}', 100, 1000);
    CREATE VIEW others AS SELECT user_id, name, data_source_id, model, instructions,
        table_allow_list, max_rows, statement_timeout_ms FROM agents";

#[tokio::test]
async fn a_restored_database_takes_runs_up_again_and_none_loses_an_attempt_however_often() {
    let url = empty_database().await;
    let client = log_in(&url).await;
    migration::up(&url).await.unwrap();
    migration::down(&url, steps_before(MEMORY)).await.unwrap();
    client.batch_execute(OLD_ROWS).await.unwrap();
    migration::up(&url).await.unwrap();
    let going_on = "UPDATE runs SET state = 'running', ended_at = NULL, wake_at = now(),
            attempts = 2, publications = 3, lease_expires_at = now() - interval '1 hour'
        WHERE id = 1";
    client.batch_execute(going_on).await.unwrap();
    let run = "SELECT attempts, publications, lease_expires_at < now() FROM runs WHERE id = 1";

    migration::restored(&url).await.unwrap();
    assert_eq!(told(&client, run).await, "(1,1003,t)");
    migration::restored(&url).await.unwrap();
    assert_eq!(told(&client, run).await, "(1,2003,t)");
}

#[tokio::test]
async fn several_who_migrate_an_empty_database_at_once_all_succeed() {
    let (alone, together) = (empty_database().await, empty_database().await);
    migration::up(&alone).await.unwrap();

    let all = future::join_all((0..8).map(|_| migration::up(&together))).await;

    for (migrator, result) in all.into_iter().enumerate() {
        result.unwrap_or_else(|error| panic!("migrator {migrator}: {error:#}"));
    }
    let (alone, together) = (log_in(&alone).await, log_in(&together).await);
    assert_eq!(objects(&together).await, objects(&alone).await);
    let applied = together.query_one("SELECT count(*) FROM seaql_migrations", &[]).await.unwrap();
    assert_eq!(applied.get::<_, i64>(0), i64::from(all_steps()));
}

#[tokio::test]
async fn folding_takes_accents_and_case_away_and_nothing_else() {
    let url = empty_database().await;
    migration::up(&url).await.unwrap();
    let client = log_in(&url).await;

    for (text, expected) in [
        ("", ""),
        ("São Paulo", "sao paulo"),
        ("AVALIAÇÃO É ÚTIL", "avaliacao e util"),
        ("a\u{301}gua", "agua"),
        ("Ångström ñandú ÿ", "angstrom nandu y"),
        ("ﬁm Ⅻ", "fim xii"),
        ("100% _sure_ \\o/", "100% _sure_ \\o/"),
        ("Øresund ß", "øresund ß"),
        ("東京 🐧", "東京 🐧"),
    ] {
        let row = client.query_one("SELECT fold_text($1)", &[&text]).await.unwrap();
        assert_eq!(row.get::<_, &str>(0), expected, "{text}");
    }
}
