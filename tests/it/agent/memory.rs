use proto::v1::PrivacyMode;

use super::Talk;
use crate::harness::{Analyst, eventually};

#[tokio::test]
async fn the_last_turns_of_a_conversation_are_remembered_with_their_sql() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;

    talk.ask("SELECT name FROM people").await;
    talk.ask("SELECT nothing FROM people").await;
    talk.ask("SELECT 3").await;

    let last = analyst.plans().pop().expect("it was asked");
    let (recent, _) = last.split_once("tried:").expect("it prints like that");
    assert!(recent.contains("SELECT name FROM people"), "{recent}");
    assert!(recent.contains(Analyst::ANSWER), "{recent}");
    // Of a turn that failed the question alone is worth something.
    assert!(recent.contains("SELECT nothing FROM people"), "{recent}");
    assert!(!recent.contains("could not be answered"), "{recent}");
}

#[tokio::test]
async fn a_question_brings_back_what_was_asked_alike_in_other_conversations() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::None).await;
    talk.ask("SELECT city FROM people WHERE salary > 70000").await;
    talk.ask("SELECT 1").await;
    eventually("their embeddings", async || {
        let sql = "SELECT count(*) FROM message_embeddings";
        let count: i64 = talk.harness.number(sql).await;
        (count >= 4).then_some(())
    })
    .await;
    let other = talk.api.session(talk.agent.id, "").await;

    talk.api.ask(other.id, "SELECT city FROM people WHERE salary > 80000").await;

    let last = analyst.plans().pop().expect("it was asked");
    let (related, _) = last.split_once("recent:").expect("it prints like that");
    let (_, related) = related.split_once("related:").expect("it prints like that");
    assert!(related.contains("salary > 70000"), "{related}");
    assert!(related.contains(".people"), "with the SQL as it was executed: {related}");
    assert!(!related.contains("Quxville"), "{related}");
}

#[tokio::test]
async fn nothing_of_another_user_is_brought_back() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::Full).await;
    talk.ask("SELECT city FROM people WHERE salary > 70000").await;
    eventually("its embedding", async || {
        let sql = "SELECT count(*) FROM message_embeddings";
        (talk.harness.number(sql).await >= 2).then_some(())
    })
    .await;
    let stranger = talk.harness.api(2);
    let agent = stranger.agent().await;
    let session = stranger.session(agent, "").await;

    stranger.ask(session.id, "SELECT city FROM people WHERE salary > 70000").await;

    let last = analyst.plans().pop().expect("it was asked");
    assert!(last.contains("related: []"), "{last}");
}
