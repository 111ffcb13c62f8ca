//! Questions in the shapes of the public text-to-SQL benchmarks.

use std::collections::BTreeSet;

use data_source::{Schema, guard};
use serde_json::Value;
use tokio_postgres::Client;

use super::{Database, PUBLIC_LEGITIMATE, QUESTIONS, Row, direct, lines, shown};

/// What Postgres runs and the guard refuses, and why.
const NOT_UNDERSTOOD: &str = include_str!("not_understood.tsv");

/// From the public list, what Postgres itself refuses.
const NOT_POSTGRES: [&str; 2] = [
    "SELECT * FROM sales.orders o JOIN sales.orders p USING (id) NATURAL JOIN sales.orders q",
    "SELECT lag(total,1,0) OVER (ORDER BY id), first_value(total) IGNORE NULLS OVER (ORDER BY id) FROM sales.orders",
];

/// From the public list, what is another value each time.
const CLOCKS: &str = "SELECT current_date, current_timestamp, localtime, now(), current_user";

/// How what the guard let through differs from what Postgres answers.
async fn difference(
    database: &Database,
    schema: &Schema,
    client: &Client,
    sql: &str,
) -> Option<String> {
    let expected = direct(client, sql).await.expect(sql);
    let rows = match database.rows(schema, sql).await {
        Ok(rows) => rows,
        Err(error) => return Some(format!("{sql}\n  {error}")),
    };
    let padded: Vec<_> = rows.columns.iter().map(|it| it.type_name == "bpchar").collect();
    let mut expected = unpadded(expected, &padded);
    let mut actual = shown(rows);
    if !sql.contains("ORDER BY") {
        expected.sort();
        actual.sort();
    }
    (actual != expected).then(|| format!("{sql}\n  {actual:?}\n  {expected:?}"))
}

fn unpadded(mut rows: Vec<Row>, padded: &[bool]) -> Vec<Row> {
    for row in &mut rows {
        for (value, _) in row.iter_mut().zip(padded).filter(|(_, is_padded)| **is_padded) {
            *value = value.as_deref().map(|it| it.trim_end_matches(' ').to_owned());
        }
    }
    rows
}

#[tokio::test]
async fn a_question_gets_the_rows_that_postgres_gives() {
    let database = Database::with_tables().await;
    let mut differences = Vec::new();

    for (name, list) in QUESTIONS {
        let schema = database.only(&[name]);
        let client = database.log_in(name).await;
        for (_, sql) in lines(list) {
            differences.extend(difference(&database, &schema, &client, sql).await);
        }
    }

    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(QUESTIONS.iter().flat_map(|(_, list)| lines(list)).count() > 350);
}

#[tokio::test]
async fn the_public_list_of_legitimate_statements_passes() {
    let database = Database::with_tables().await;
    let schema = database.only(&["public", "sales"]);
    let client = database.log_in("sales, public").await;
    let not_understood: Vec<_> = lines(NOT_UNDERSTOOD).map(|(_, sql)| sql).collect();

    for (_, sql) in lines(PUBLIC_LEGITIMATE) {
        if NOT_POSTGRES.contains(&sql) {
            direct(&client, sql).await.expect_err(sql);
        } else if sql == CLOCKS {
            assert_eq!(database.rows(&schema, sql).await.unwrap().rows.len(), 1);
        } else if !not_understood.contains(&sql) {
            assert_eq!(difference(&database, &schema, &client, sql).await, None);
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_known_and_no_fault_of_the_statement() {
    let database = Database::with_tables().await;
    let client = database.log_in("store, sales").await;

    for (reason, sql) in lines(NOT_UNDERSTOOD) {
        assert!(guard::check(sql, &database.schema).is_err(), "is understood now: {sql}");
        direct(&client, sql).await.expect(sql);
        assert!(!reason.is_empty(), "{sql}");
    }
    assert!(lines(NOT_UNDERSTOOD).count() < 20);
}

#[tokio::test]
async fn postgres_reads_no_table_but_those_that_the_guard_was_given() {
    let database = Database::with_tables().await;

    for (name, list) in QUESTIONS {
        let schema = database.only(&[name]);
        let allowed: BTreeSet<_> = tables_of(&schema);
        for (_, sql) in lines(list) {
            let query = guard::check(sql, &schema).expect(sql);
            let read = relations(&database.admin, query.as_str()).await;
            assert!(read.is_subset(&allowed), "{sql}: {read:?}");
        }
    }
}

fn tables_of(schema: &Schema) -> BTreeSet<(String, String)> {
    schema.tables.iter().map(|it| (it.schema.clone(), it.name.clone())).collect()
}

/// The schemas and names of the relations in a statement's plan, for someone whose
/// search path leads nowhere but to the types and operators of extensions.
async fn relations(admin: &Client, sql: &str) -> BTreeSet<(String, String)> {
    admin.batch_execute("SET search_path = pg_catalog, public, store").await.expect("it is valid");
    let explain = format!("EXPLAIN (VERBOSE, FORMAT JSON) {sql}");
    let plan = admin.query_one(&explain, &[]).await.expect(sql).get(0);
    let mut found = BTreeSet::new();
    collect_relations(&plan, &mut found);
    found
}

fn collect_relations(plan: &Value, found: &mut BTreeSet<(String, String)>) {
    if let (Some(schema), Some(name)) = (plan["Schema"].as_str(), plan["Relation Name"].as_str()) {
        found.insert((schema.to_owned(), name.to_owned()));
    }
    match plan {
        Value::Array(items) => items.iter().for_each(|it| collect_relations(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| collect_relations(it, found)),
        _ => {}
    }
}
