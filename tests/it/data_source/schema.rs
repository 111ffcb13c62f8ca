use data_source::{Egress, Error, schema::Kind};

use super::{LIMITS, PASSWORD, run, store};

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

    let schema = data_source::introspect(&source, &Egress::default()).await.unwrap();

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

    let refused = data_source::introspect(&source, &Egress::default()).await;

    assert!(matches!(refused, Err(Error::SchemaTooLarge { .. })), "{refused:?}");
}
