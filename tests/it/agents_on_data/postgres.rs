use super::{Conversation, OtherDatabase};
use crate::harness::superuser_in;

/// A database with orders that its role can read.
async fn shop() -> OtherDatabase {
    let database = OtherDatabase::create("").await;
    let role = &database.name;
    database
        .admin
        .batch_execute(&format!(
            "CREATE SCHEMA shop;
             CREATE TABLE shop.orders (id int, city text, total numeric(10, 2));
             INSERT INTO shop.orders VALUES (1, 'Porto', 10.50), (2, 'Porto', 4.50), (3, 'Lima', 7);
             CREATE TABLE shop.wages (amount int);
             GRANT USAGE ON SCHEMA shop TO {role};
             GRANT SELECT ON shop.orders TO {role};"
        ))
        .await
        .expect("a superuser may do so");
    database
}

#[tokio::test]
async fn a_users_own_database_is_asked_in_words_and_in_sql() {
    let database = shop().await;
    let chat = Conversation::on_database(&database).await;

    for (question, expected) in [
        ("Quantos registros tem na tabela orders?", "3"),
        ("What is the average total in orders?", "7.33"),
        ("SELECT sum(total) FROM shop.orders", "22.00"),
        (
            "sum of total by city in orders",
            "| city | sum |\n| --- | --- |\n| Lima | 7.00 |\n| Porto | 15.00 |",
        ),
    ] {
        let (run, answer) = chat.ask(question).await;
        assert_eq!(answer.content, expected, "{question}");
        assert!(run.sql_query.contains("shop.orders"), "{}", run.sql_query);
    }
}

#[tokio::test]
async fn what_the_role_can_not_read_and_what_writes_is_refused() {
    let database = shop().await;
    let chat = Conversation::on_database(&database).await;
    let write = format!("GRANT ALL ON shop.orders TO {}", database.name);
    database.admin.batch_execute(&write).await.unwrap();

    chat.ask_in_vain("SELECT amount FROM shop.wages", "SQL_TABLE_NOT_ALLOWED").await;
    chat.ask_in_vain("DELETE FROM shop.orders", "SQL_NOT_A_QUERY").await;

    let rows = database.admin.query_one("SELECT count(*) FROM shop.orders", &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 3);
}

#[tokio::test]
async fn a_database_that_is_gone_fails_the_run_and_is_not_described() {
    let database = shop().await;
    let chat = Conversation::on_database(&database).await;
    chat.ask("How many rows are in orders?").await;
    let drop = format!("DROP DATABASE {} WITH (FORCE)", database.name);
    superuser_in("postgres").await.batch_execute(&drop).await.unwrap();

    let (_, answer) =
        chat.ask_and_fail("How many rows are in orders?", "DATA_SOURCE_REFUSED").await;

    let port = database.port.to_string();
    for secret in [&database.host, &port, &database.name, &database.password] {
        assert!(!answer.content.contains(secret.as_str()), "{}", answer.content);
    }
}

#[tokio::test]
async fn a_function_of_the_users_own_can_not_stand_in_for_a_known_one() {
    let database = shop().await;
    database
        .admin
        .batch_execute(
            "CREATE FUNCTION shop.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
             CREATE FUNCTION shop.upper(varchar) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
             GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA shop TO PUBLIC;",
        )
        .await
        .unwrap();
    let chat = Conversation::on_database(&database).await;

    let (_, answer) = chat.ask("SELECT lower(city) FROM orders WHERE id = 1").await;

    assert_eq!(answer.content, "porto");
    chat.ask_in_vain("SELECT shop.lower(city) FROM orders", "SQL_FUNCTION_NOT_ALLOWED").await;
}
