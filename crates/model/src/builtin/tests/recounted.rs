use super::*;
use crate::Turn;

fn turn(question: &str, sql: &str) -> Turn {
    Turn { question: question.to_owned(), sql: Some(sql.to_owned()), answer: None }
}

async fn plan(text: &str, recent: &[Turn]) -> Plan {
    let schema = demo();
    Builtin.plan(&Prompt { recent, ..question(text, &schema) }).await.unwrap().plan
}

/// The count after a question that was answered by its own query, as it is stored.
async fn check(before: &str, expected: &str) {
    let schema = demo();
    let sql = understand(before, &schema).unwrap().to_string();
    let stored = guard::check(&sql, &schema).unwrap().as_str().to_owned();
    for sql in [sql, stored] {
        let planned = plan("How many are there?", &[turn(before, &sql)]).await;
        let expected = expected.replace("{sql}", &sql);
        assert_eq!(planned, Plan::Query(expected.clone()));
        assert_eq!(guard::check(&expected, &schema).err(), None);
    }
}

#[tokio::test]
async fn a_list_that_was_cut_is_counted_whole() {
    check("list penguins", "SELECT count(*) FROM ds_1.penguins").await;
    check(
        "list airports where state is TX",
        "SELECT count(*) FROM ds_1.airports WHERE lower(state) = lower('TX')",
    )
    .await;
    check(
        "which species are there in penguins?",
        "SELECT count(*) FROM (SELECT DISTINCT species FROM ds_1.penguins ORDER BY 1\n) AS earlier",
    )
    .await;
}

#[tokio::test]
async fn a_number_is_followed_by_the_number_of_rows_behind_it() {
    check(
        "average temp_max in 2012",
        "SELECT count(*) FROM ds_1.seattle_weather \
         WHERE date >= '2012-01-01' AND date < '2013-01-01'",
    )
    .await;
    check("how many penguins by year", "SELECT count(*) FROM ({sql}\n) AS earlier").await;
    check("top 5 airports by latitude", "SELECT count(*) FROM ({sql}\n) AS earlier").await;
}

#[tokio::test]
async fn the_rows_of_any_other_statement_are_counted() {
    let counted = |sql: &str| Plan::Query(format!("SELECT count(*) FROM ({sql}\n) AS earlier"));
    for sql in ["SELECT species FROM ds_1.penguins WHERE year > 2007", "SELECT 1"] {
        for before in ["list penguins", sql, "Which ones?"] {
            for text in [
                "how many rows are there in total?",
                "And how many are they?",
                "quantos são?",
                "Quantas linhas há?",
                "E quantos são eles no total?",
                "quantas linhas existem?",
                "How many of them are there?",
                "how many rows?",
            ] {
                assert_eq!(plan(text, &[turn(before, sql)]).await, counted(sql), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn a_count_that_is_asked_for_again_is_the_same() {
    let sql = "SELECT count(*) FROM ds_1.airports";
    let recent = [turn("list airports", "x"), turn("How many are there?", sql)];
    assert_eq!(plan("how many are there?", &recent).await, Plan::Query(sql.to_owned()));
}

#[tokio::test]
async fn what_names_a_table_or_follows_no_statement_is_no_count_of_the_turn_before() {
    let airports = [turn("list airports", "SELECT * FROM ds_1.airports LIMIT 100")];
    let penguins = Plan::Query("SELECT count(*) FROM ds_1.penguins".to_owned());
    assert_eq!(plan("how many penguins are there?", &airports).await, penguins);

    let reply = [Turn { question: "x".to_owned(), ..Turn::default() }];
    assert!(matches!(plan("how many are there?", &reply).await, Plan::Reply(_)));
    assert!(matches!(plan("how many are there?", &[]).await, Plan::Reply(_)));
}
