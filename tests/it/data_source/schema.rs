use data_source::{
    Error,
    schema::{ForeignKey, Kind},
};

use super::{LIMITS, PASSWORD, pools, run, store};

#[tokio::test]
async fn introspection_finds_what_the_role_can_read_in_order() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let source = store.source(1, PASSWORD);
    admin
        .batch_execute(&format!(
            "CREATE SCHEMA \"Odd \"\"one\"; GRANT USAGE ON SCHEMA \"Odd \"\"one\" TO \"{role}\";
             SET search_path TO \"Odd \"\"one\";
             CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE DOMAIN price AS numeric(10, 2);
             CREATE TABLE a (id int PRIMARY KEY, m mood, p price, t time, x uuid, c varchar(9),
                             gone int, o oid, xs int[]);
             ALTER TABLE a DROP COLUMN gone;
             CREATE VIEW v AS SELECT id FROM a;
             CREATE MATERIALIZED VIEW mv AS SELECT id FROM a;
             CREATE TABLE p (day date NOT NULL) PARTITION BY RANGE (day);
             CREATE TABLE p_2024 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
             CREATE TABLE partly (seen int, secret text);
             CREATE TABLE closed (id int);
             GRANT SELECT ON a, v, mv, p, p_2024 TO \"{role}\";
             GRANT SELECT (seen) ON partly TO \"{role}\"",
            role = source.user
        ))
        .await
        .unwrap();

    let schema = pools().introspect(&source).await.unwrap();

    let tables: Vec<_> = schema.tables.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(tables, ["a", "mv", "p", "partly", "v"]);
    assert!(schema.tables.iter().all(|it| it.schema == "Odd \"one"));
    let columns = |index: usize| -> Vec<_> {
        let columns = schema.tables[index].columns.iter();
        columns.map(|it| (it.name.as_str(), it.type_name.as_str(), it.kind, it.nullable)).collect()
    };
    assert_eq!(
        columns(0),
        [
            ("id", "integer", Kind::Number, false),
            ("m", "\"Odd \"\"one\".mood", Kind::Text, true),
            ("p", "\"Odd \"\"one\".price", Kind::Number, true),
            ("t", "time without time zone", Kind::Other, true),
            ("x", "uuid", Kind::Other, true),
            ("c", "character varying(9)", Kind::Text, true),
            ("o", "oid", Kind::Other, true),
            ("xs", "integer[]", Kind::Other, true),
        ]
    );
    assert_eq!(columns(2), [("day", "date", Kind::Time, false)]);
    assert_eq!(columns(3), [("seen", "integer", Kind::Number, true)]);

    let sql = "SELECT m, p FROM a";
    let rows = run(&source, &schema, sql, LIMITS).await.unwrap();
    let types: Vec<_> = rows.columns.iter().map(|it| it.type_name.as_str()).collect();
    assert_eq!(types, ["mood", "numeric"]);
}

#[tokio::test]
async fn a_schema_that_is_too_large_is_an_error_and_not_a_part_of_it() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let source = store.source(1, PASSWORD);
    admin
        .batch_execute(&format!(
            "DO $$ BEGIN FOR i IN 1..1001 LOOP
                 EXECUTE format('CREATE VIEW ds_1.v%s AS SELECT 1 AS n', i);
                 EXECUTE format('GRANT SELECT ON ds_1.v%s TO %I', i, '{}');
             END LOOP; END $$",
            source.user
        ))
        .await
        .unwrap();

    let refused = pools().introspect(&source).await;

    let Err(refused @ Error::SchemaTooLarge { .. }) = refused else { panic!("{refused:?}") };
    assert!(refused.to_string().ends_with(": grant it SELECT on fewer"), "{refused}");
}

#[tokio::test]
async fn introspection_finds_comments_labels_and_keys() {
    let (store, admin) = store().await;
    store.ensure(1, PASSWORD).await.unwrap();
    let source = store.source(1, PASSWORD);
    admin
        .batch_execute(&format!(
            "SET search_path TO ds_1;
             CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE DOMAIN feeling AS mood;
             CREATE TABLE a (y int, x int, m mood, f feeling, ms mood[], PRIMARY KEY (x, y));
             COMMENT ON TABLE a IS 'What is sold';
             COMMENT ON COLUMN a.x IS 'É';
             COMMENT ON COLUMN a.m IS '{long}';
             CREATE TABLE b (id int PRIMARY KEY, i int, j int, k int, secret int,
                             FOREIGN KEY (j, i) REFERENCES a (x, y));
             CREATE TABLE closed (id int PRIMARY KEY);
             ALTER TABLE b ADD FOREIGN KEY (k) REFERENCES closed (id),
                           ADD FOREIGN KEY (secret) REFERENCES b (id);
             CREATE TABLE p (day date PRIMARY KEY, b int REFERENCES b (id))
                 PARTITION BY RANGE (day);
             CREATE TABLE p_2024 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
             GRANT SELECT ON a, p, p_2024 TO \"{role}\";
             GRANT SELECT (id, i, j, k) ON b TO \"{role}\"",
            long = "ü".repeat(600),
            role = source.user
        ))
        .await
        .unwrap();

    let schema = pools().introspect(&source).await.unwrap();

    let [a, b, p] = &schema.tables[..] else { panic!("{schema:?}") };
    assert_eq!((a.comment.as_deref(), b.comment.as_deref()), (Some("What is sold"), None));
    let comments: Vec<_> = a.columns.iter().map(|it| it.comment.as_deref()).collect();
    assert_eq!(comments, [None, Some("É"), Some(&*"ü".repeat(500)), None, None]);
    let labels: Vec<_> = a.columns.iter().map(|it| it.labels.len()).collect();
    assert_eq!((labels, &*a.columns[2].labels[0]), (vec![0, 0, 2, 2, 0], "sad"));
    assert_eq!(a.primary_key, ["x", "y"]);
    let key = |columns: &[&str], table: &str, referenced: &[&str]| ForeignKey {
        columns: columns.iter().map(|&it| it.to_owned()).collect(),
        schema: "ds_1".to_owned(),
        table: table.to_owned(),
        referenced: referenced.iter().map(|&it| it.to_owned()).collect(),
    };
    assert_eq!(b.primary_key, ["id"]);
    assert_eq!(b.foreign_keys, [key(&["j", "i"], "a", &["x", "y"])]);
    assert_eq!(p.primary_key, ["day"]);
    assert_eq!(p.foreign_keys, [key(&["b"], "b", &["id"])]);
}
