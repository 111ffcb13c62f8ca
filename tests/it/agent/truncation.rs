use proto::v1::{self as pb, PrivacyMode, TruncatedBy, run_event::Event};

use super::Talk;
use crate::harness::{Analyst, Harness, Seen};

fn numbers(count: usize) -> String {
    (1..=count).fold("n\n".to_owned(), |csv, n| format!("{csv}{n}\n"))
}

#[tokio::test]
async fn rows_that_were_cut_are_counted_and_the_model_the_caller_and_the_answer_say_so() {
    let analyst = Analyst::obedient();
    let settings =
        pb::CreateAgentRequest { privacy_mode: PrivacyMode::Full.into(), ..Default::default() };
    let talk = Talk::about(analyst, &[("numbers", &numbers(5_000))], settings).await;

    let (run, answer) = talk.ask("SELECT n FROM numbers").await;

    assert_eq!((run.row_count, run.total_rows), (500, Some(5_000)));
    assert_eq!((run.truncated, run.truncated_by()), (true, TruncatedBy::Rows));
    let note = "The result has 5000 rows; only the first 500 were read.";
    assert_eq!(answer.content, format!("{}\n\n{note}", Analyst::ANSWER));
    let shown = analyst.seen().into_iter().find(|it| matches!(it, Seen::Answer(_)));
    let shown = shown.expect("it has answered");
    assert!(shown.text().contains("total_rows: Some(5000)"), "{shown:?}");
    let events = talk.events(run.id).await;
    let rows = events.iter().find_map(|it| if let Event::Rows(it) = it { Some(it) } else { None });
    let rows = rows.expect("rows were read");
    assert_eq!((rows.row_count, rows.total_rows), (500, Some(5_000)));
    assert_eq!(rows.truncated_by(), TruncatedBy::Rows);
}

#[tokio::test]
async fn of_a_cut_result_the_next_question_is_how_many_there_are() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let dataset = api.dataset().await;
    api.import(dataset, "numbers", &numbers(5_000)).await.expect("the CSV is valid");
    let session = api.session(api.agent_on(dataset).await, "").await;

    let (run, _) = api.ask(session.id, "SELECT n FROM numbers").await;
    let (_, english) = api.ask(session.id, "How many are there?").await;
    api.ask(session.id, "list numbers").await;
    let (_, portuguese) = api.ask(session.id, "Quantos são?").await;

    assert_eq!((run.row_count, run.total_rows), (500, Some(5_000)));
    assert_eq!((&*english.content, &*portuguese.content), ("5000", "5000"));
}

#[tokio::test]
async fn a_result_that_would_take_too_long_to_count_is_said_to_have_more() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("SELECT * FROM generate_series(1, 1000000000)").await;

    assert_eq!((run.row_count, run.total_rows, run.truncated), (500, None, true), "{run:?}");
    assert!(answer.content.contains("there are more"), "{}", answer.content);
}

#[tokio::test]
async fn all_rows_are_the_total() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    let (run, answer) = talk.ask("SELECT name FROM people").await;

    assert_eq!((run.row_count, run.total_rows, run.truncated), (2, Some(2), false));
    assert_eq!(answer.content, Analyst::ANSWER);
}
