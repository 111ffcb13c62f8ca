use model::Plan;
use proto::v1::{self as pb, PrivacyMode, RunState, run_event::Event};

use super::{PEOPLE, Talk};
use crate::harness::Analyst;

/// Plans these statements one after the other, the last again and again.
fn planning(statements: &'static [&'static str]) -> &'static Analyst {
    Analyst::shared(|prompt| {
        let next = prompt.tried.len().min(statements.len() - 1);
        Plan::Query(statements[next].to_owned())
    })
}

async fn errors(talk: &Talk, run: &pb::Run) -> Vec<(String, String, i32)> {
    let events = talk.events(run.id).await.into_iter();
    let errors = events.filter_map(|event| match event {
        Event::SqlError(it) => Some((it.error.unwrap_or_default().reason, it.sql_query, it.number)),
        _ => None,
    });
    errors.collect()
}

#[tokio::test]
async fn a_statement_that_fails_is_given_back_with_the_reason_until_one_succeeds() {
    let statements =
        &["DELETE FROM people", "SELECT nmae FROM people", "SELECT count(*) FROM people"];
    let analyst = planning(statements);
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("How many people?").await;

    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    assert_eq!((run.attempts, &*answer.content), (1, Analyst::ANSWER));
    assert!(answer.sql_query.starts_with("SELECT count(*) FROM"), "{}", answer.sql_query);
    let expected = [("SQL_NOT_A_QUERY", statements[0], 1), ("SQL_FAILED", statements[1], 2)];
    let expected = expected.map(|(reason, sql, n)| (reason.to_owned(), sql.to_owned(), n));
    assert_eq!(errors(&talk, &run).await, expected);
    let plans = analyst.plans();
    assert_eq!(plans.len(), 3);
    assert!(plans[1].contains("only one SELECT query is accepted"), "{}", plans[1]);
    assert!(plans[2].contains(r#"column \"nmae\" does not exist"#), "{}", plans[2]);
}

#[tokio::test]
async fn two_statements_that_fail_alike_end_the_run() {
    let analyst =
        planning(&["SELECT nmae FROM people", "SELECT nmae, city FROM people", "SELECT 1"]);
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("Who?").await;

    assert_eq!(run.error.as_ref().map(|it| &*it.reason), Some("SQL_FAILED"));
    assert_eq!(analyst.plans().len(), 2);
    assert!(answer.content.contains("SELECT nmae FROM people"), "{}", answer.content);
    assert!(answer.content.contains("SELECT nmae, city FROM people"), "{}", answer.content);
    assert_eq!(answer.sql_query, "");
}

#[tokio::test]
async fn the_same_statement_again_is_not_tried_again() {
    let analyst = planning(&["SELECT nmae FROM people"]);
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, _) = talk.ask("Who?").await;

    assert_eq!(run.state(), RunState::Failed);
    assert_eq!((analyst.plans().len(), errors(&talk, &run).await.len()), (2, 1));
}

#[tokio::test]
async fn after_three_statements_the_run_fails_and_says_what_was_tried() {
    let statements =
        &["SELECT a FROM people", "SELECT b FROM people", "SELECT c FROM people", "SELECT 1"];
    let analyst = planning(statements);
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("Who?").await;

    assert_eq!(run.state(), RunState::Failed);
    let error = run.error.expect("it says why").message;
    assert!(error.contains("\"c\" does not exist"), "{error}");
    for statement in &statements[..3] {
        assert!(answer.content.contains(statement), "{}", answer.content);
    }
    assert_eq!(analyst.plans().len(), 3);
}

#[tokio::test]
async fn words_in_place_of_a_statement_that_failed_are_not_believed() {
    let analyst = Analyst::shared(|prompt| match prompt.tried {
        [] => Plan::Query("SELECT nmae FROM people".to_owned()),
        _ => Plan::Reply("There are surely 42 of them.".to_owned()),
    });
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("How many?").await;

    assert_eq!(run.state(), RunState::Failed);
    assert!(!answer.content.contains("42"), "{}", answer.content);
}

#[tokio::test]
async fn a_statement_that_is_too_expensive_is_given_back_before_it_is_executed() {
    let expensive = "SELECT count(*) FROM people a, people b, people c";
    let analyst = planning(&["SELECT count(*) FROM people a, people b, people c", "SELECT 1"]);
    let limits = Some(pb::AgentLimits { max_cost: 2.0, ..Default::default() });
    let settings = pb::CreateAgentRequest { limits, ..Default::default() };
    let talk = Talk::about(analyst, &[("people", PEOPLE)], settings).await;

    let (run, _) = talk.ask("How many?").await;

    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    let expected = ("SQL_TOO_EXPENSIVE".to_owned(), expensive.to_owned(), 1);
    assert_eq!(errors(&talk, &run).await, [expected]);
    assert!(analyst.plans()[1].contains("too expensive"), "{}", analyst.plans()[1]);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_not_tried_again() {
    let slow = "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b";
    let analyst = Analyst::shared(move |_| Plan::Query(slow.to_owned()));
    let limits = pb::AgentLimits { max_cost: 1e15, statement_timeout_ms: 300, max_rows: 0 };
    let settings = pb::CreateAgentRequest { limits: Some(limits), ..Default::default() };
    let talk = Talk::about(analyst, &[("people", PEOPLE)], settings).await;

    let (run, _) = talk.ask("How many?").await;

    assert_eq!(run.error.as_ref().map(|it| &*it.reason), Some("SQL_TIMED_OUT"), "{run:?}");
    assert_eq!(analyst.plans().len(), 1);
}
