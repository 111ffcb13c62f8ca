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
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
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
