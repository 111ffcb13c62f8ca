//! Statements that would write, reach out or look around, on a data source whose
//! role owns everything in it.

use std::time::Duration;

use data_source::{Limits, Schema, guard};
use tokio_postgres::Client;

use super::{ATTACKS, Database, LIMITS, PUBLIC_ATTACKS, lines};
use crate::harness::OtherDatabase;

const OWNED: &str = include_str!("owned.sql");

/// Text that does nothing however it is read, or nothing but take time.
const HARMLESS: [&str; 6] = [
    "SELECT $tag$;DROP TABLE x;$tag$",
    r"SELECT E'\'; DROP TABLE sales.orders; --'",
    "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
    "SELECT count(*) FROM generate_series(1,1000000000)",
    "SELECT regexp_replace(repeat('a',40),'(a*)*b','x')",
    "SELECT repeat('x', 500000000)",
];

/// What a statement could leave behind, in this database or around it.
const TRACES: &str = "
    SELECT jsonb_build_array(
        (SELECT jsonb_agg(o ORDER BY o.id) FROM sales.orders o),
        (SELECT jsonb_agg(k ORDER BY k.id) FROM secret.keys k),
        (SELECT count(*) FROM sales.effects),
        (SELECT jsonb_build_array(last_value, is_called) FROM sales.sq),
        (SELECT jsonb_agg(jsonb_build_array(relname, relkind, relowner, relacl::text, reltuples,
                                            relfilenode) ORDER BY oid)
           FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace,
                                                    'pg_toast'::regnamespace)),
        (SELECT jsonb_agg(nspname ORDER BY nspname) FROM pg_namespace),
        (SELECT jsonb_agg(proname ORDER BY oid) FROM pg_proc WHERE oid >= 16384),
        (SELECT jsonb_agg(jsonb_build_array(lomowner, lomacl::text)) FROM pg_largeobject_metadata),
        (SELECT count(*) FROM pg_largeobject),
        (SELECT jsonb_agg(extname ORDER BY extname) FROM pg_extension),
        (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.oid) FROM pg_roles r WHERE rolname = current_database()),
        (SELECT jsonb_agg(setconfig::text) FROM pg_db_role_setting s
           JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database()),
        (SELECT count(*) FROM pg_description WHERE objoid >= 16384),
        (SELECT count(*) FROM pg_publication),
        (SELECT count(*) FROM pg_trigger),
        (SELECT count(*) FROM pg_rewrite),
        (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()),
        (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()),
        (SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
          WHERE locktype = 'advisory' AND d.datname = current_database())
    )::text";

async fn traces(admin: &Client) -> String {
    admin.query_one(TRACES, &[]).await.expect("a superuser may look at everything").get(0)
}

/// A database that the role owns, with all that is in it.
async fn owned() -> Database {
    let database = OtherDatabase::create("").await;
    let own = format!("ALTER DATABASE {0} OWNER TO {0}", database.name);
    database.admin.batch_execute(&own).await.expect("a superuser may give it away");
    let mut database = Database::introspected(database).await;
    database.log_in("public").await.batch_execute(OWNED).await.expect("the owner may create");

    let schema = database.pools.introspect(&database.source).await;
    let allow_list = ["sales.orders".to_owned()];
    database.schema = schema.expect("the role can log in").narrowed_to(&allow_list);
    database
}

#[tokio::test]
async fn an_attack_is_refused_with_a_reason_or_does_nothing() {
    let database = owned().await;
    let before = traces(&database.admin).await;
    let limits = Limits { timeout: Duration::from_millis(700), ..LIMITS };
    let mut accepted = Vec::new();

    for (category, sql) in lines(PUBLIC_ATTACKS).chain(lines(ATTACKS)) {
        match guard::check(sql, &database.schema) {
            Err(refusal) => assert!(refusal.reason().starts_with("SQL_"), "{sql}"),
            Ok(query) => {
                let rows = database.query(&database.schema, &query, &limits).await;
                assert!(!format!("{rows:?}").contains("the key to"), "{sql}");
                accepted.extend((category != "harmless").then_some(sql));
            }
        }
    }

    let is_known = |sql: &&str| HARMLESS.contains(sql);
    assert_eq!(accepted.iter().filter(|sql| !is_known(sql)).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(traces(&database.admin).await, before);
    assert!(lines(ATTACKS).count() > 350);
}

/// Postgres prefers a function whose parameters fit to the letter, wherever it is on
/// the search path.
const SHADOWED: &str = "SELECT lower(customer::varchar) FROM sales.orders WHERE id = 3";

#[tokio::test]
async fn the_owners_function_in_a_known_ones_place_is_not_called() {
    let database = owned().await;
    let before = traces(&database.admin).await;

    let rows = database.rows(&database.schema, SHADOWED).await.unwrap();

    assert_eq!(rows.rows, [[Some("customer 3".to_owned())]]);
    assert_eq!(traces(&database.admin).await, before);
}

/// As after it was created behind our back: the transaction stops it.
#[tokio::test]
async fn the_owners_function_can_not_write_where_it_is_called_all_the_same() {
    let database = owned().await;
    let before = traces(&database.admin).await;
    let outdated = Schema { shadowing: Vec::new(), ..database.schema.clone() };

    let refused = database.rows(&outdated, SHADOWED).await.unwrap_err();

    assert!(refused.contains("25006"), "{refused}");
    assert_eq!(traces(&database.admin).await, before);
}

#[tokio::test]
async fn an_attack_that_is_not_refused_would_leave_a_trace() {
    let database = owned().await;
    let mut before = traces(&database.admin).await;
    let client = database.log_in("sales").await;

    for sql in [
        "SELECT sales.bump()",
        "SELECT o.bump_row FROM sales.orders o LIMIT 1",
        "SELECT 1 |+| 2",
        "SELECT lower('A'::varchar)",
        "DELETE FROM sales.orders WHERE id = 1",
        "SELECT lo_create(0)",
        "SELECT nextval('sq')",
        "SELECT pg_advisory_lock(7)",
        "COMMENT ON TABLE sales.orders IS 'x'",
        "GRANT SELECT ON sales.orders TO PUBLIC",
        "CREATE TEMP TABLE t (a int)",
    ] {
        client.batch_execute(&format!("BEGIN; {sql}")).await.expect(sql);
        client.batch_execute("COMMIT").await.expect(sql);
        let after = traces(&database.admin).await;
        assert_ne!(after, before, "{sql}");
        before = after;
    }
}
