use futures::future;
use migration::{Migrator, MigratorTrait as _};
use tokio_postgres::{Client, NoTls};

use crate::harness::empty_database;

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

/// How many steps down it takes to be rid of a migration.
fn steps_below(name: &str) -> u32 {
    let migrations = Migrator::migrations();
    let newer = migrations.iter().skip_while(|it| it.name() != name).count();
    u32::try_from(newer).expect("there are few")
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
    migration::down(&url, steps_below("m20261122_000008_add_agent_memory")).await.unwrap();
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

    migration::down(&url, steps_below("m20261122_000008_add_agent_memory")).await.unwrap();
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
