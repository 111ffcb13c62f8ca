use std::time::{Duration, Instant};

use data_source::{Samples, Schema, Source};
use tokio_postgres::Client;

use super::{PASSWORD, backends, pools, store};

async fn tables(definition: &str) -> (Source, Client, Schema) {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.expect("the data set is new");
    let source = store.source(1, PASSWORD);
    let grant = format!("GRANT SELECT ON ALL TABLES IN SCHEMA ds_1 TO \"{}\"", source.user);
    admin.batch_execute(&format!("{definition}; {grant}")).await.expect("a superuser may");
    let schema = pools().introspect(&source).await.expect("the role can log in");
    (source, admin, schema)
}

#[tokio::test]
async fn a_few_short_values_of_a_column_are_shown_the_most_frequent_first() {
    let (source, _, schema) = tables(
        "CREATE TABLE ds_1.\"Odd \"\"t\" (\"a b\" text, n int, d date, flag bool, long text, x uuid);
         INSERT INTO ds_1.\"Odd \"\"t\"
         SELECT (ARRAY['lisbon', 'porto', 'porto', 'faro', 'braga', ''])[1 + i % 6], i % 2,
                '2024-01-01', true, repeat('y', 41), NULL
           FROM generate_series(0, 599) AS i",
    )
    .await;

    let samples = pools().samples(&source, &schema).await.unwrap();

    let of = |column| samples.of("ds_1", "Odd \"t", column).to_vec();
    assert_eq!(of("a b"), ["porto", "braga", "faro"]);
    assert_eq!(of("n"), ["0", "1"]);
    assert_eq!(of("d"), ["2024-01-01"]);
    for unfit in ["flag", "long", "x"] {
        assert!(of(unfit).is_empty(), "{unfit}");
    }
    let stored = serde_json::to_value(&samples).unwrap();
    assert_eq!(serde_json::from_value::<Samples>(stored).unwrap(), samples);
    let shown = schema.with_samples(&samples);
    assert_eq!(shown.tables[0].columns[0].samples, ["porto", "braga", "faro"]);
    assert!(shown.tables[0].columns[3].samples.is_empty());
}

#[tokio::test]
async fn only_the_first_rows_are_looked_at() {
    let (source, _, schema) = tables(
        "CREATE TABLE ds_1.t AS SELECT CASE WHEN i <= 1000 THEN 'early' ELSE 'late' END AS x
           FROM generate_series(1, 3000) AS i",
    )
    .await;

    let samples = pools().samples(&source, &schema).await.unwrap();

    assert_eq!(samples.of("ds_1", "t", "x"), ["early"]);
}

#[tokio::test]
async fn a_table_that_can_not_be_read_in_time_is_left_out() {
    let (source, admin, schema) = tables(
        "CREATE TABLE ds_1.c AS SELECT 'c' AS x;
         CREATE VIEW ds_1.b AS SELECT 'b' || pg_sleep(60)::text AS x;
         CREATE VIEW ds_1.a AS SELECT 1 / (random() * 0)::int AS x",
    )
    .await;
    let pools = pools();

    let started = Instant::now();
    let samples = pools.samples(&source, &schema).await.unwrap();

    assert_eq!(samples.of("ds_1", "c", "x"), ["c"]);
    assert!(samples.of("ds_1", "a", "x").is_empty() && samples.of("ds_1", "b", "x").is_empty());
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    let gone = async || (backends(&admin, &source).await.len() <= 1).then_some(());
    crate::harness::eventually("the end of the slow view", gone).await;
}
