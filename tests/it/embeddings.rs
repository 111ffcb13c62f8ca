//! Embeddings of messages: made beside the runs, once a text, and of nothing that may
//! not leave.

use std::sync::atomic::{AtomicBool, Ordering};

use model::{Builtin, Error, Models};
use proto::v1::{self as pb, RunState};
use storage::embeddings;

use crate::harness::{Expect as _, Harness, Recorder, Said, eventually};

mod again;
mod tasks;

/// A session with an agent that lets its provider see so much.
async fn session(harness: &Harness, privacy_mode: &str) -> i64 {
    let api = harness.api(1);
    let agent = api.agent().await;
    let mode = format!("UPDATE agents SET privacy_mode = '{privacy_mode}' WHERE id = {agent}");
    harness.execute(&mode).await;
    api.session(agent, "").await.id
}

#[tokio::test]
async fn an_embedder_that_is_not_local_sees_no_more_of_the_data_than_the_agent_lets_out() {
    let harness = Harness::without_worker().await;
    for name in ["none", "aggregates", "full"] {
        let session = session(&harness, name).await;
        for cells in ["none", "aggregates", "rows"] {
            let texts = ["question", "answer", "sql"].map(|it| format!("{it} {name} {cells}"));
            let [question, answer, sql] = &texts;
            let said = Said::in_session(session, question, answer);
            harness.say(Said { sql_query: Some(sql), cells, ..said }).await;
        }
    }
    let recorder = Recorder::shared(|_: &[String]| Ok(()));

    let _worker = harness.worker(recorder, 1);
    harness.all_is_embedded().await;

    let texts = recorder.texts();
    let seen = |what: &str| -> Vec<&str> {
        texts.iter().filter_map(|it| it.strip_prefix(what)).map(str::trim).collect()
    };
    assert_eq!(seen("question").len(), 9, "{texts:?}");
    let answers = [
        "aggregates aggregates",
        "aggregates none",
        "full aggregates",
        "full none",
        "full rows",
        "none none",
    ];
    assert_eq!(seen("answer"), answers);
    assert_eq!(seen("sql"), ["aggregates rows", "none aggregates", "none rows"]);
    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 18);
}

#[tokio::test]
async fn an_answer_with_rows_and_no_statement_never_leaves() {
    let harness = Harness::without_worker().await;
    let session = session(&harness, "none").await;
    let said = Said::in_session(session, "a question", "a secret");
    harness.say(Said { cells: "rows", ..said }).await;
    let recorder = Recorder::shared(|_: &[String]| Ok(()));

    let _worker = harness.worker(recorder, 1);
    harness.all_is_embedded().await;

    assert_eq!(recorder.texts(), ["a question"]);
}

#[tokio::test]
async fn the_same_text_of_the_same_user_is_embedded_once() {
    let harness = Harness::without_worker().await;
    let recorder = Recorder::shared(|_: &[String]| Ok(()));
    let (mine, theirs) = (harness.api(1), harness.api(2));
    let session = mine.session(mine.agent().await, "").await.id;
    let again = mine.session(mine.agent().await, "").await.id;
    let foreign = theirs.session(theirs.agent().await, "").await.id;
    harness.say(Said::in_session(session, "how many?", "many")).await;
    harness.say(Said::in_session(session, "how many?", "as many")).await;

    let _worker = harness.worker(recorder, 1);
    harness.all_is_embedded().await;
    assert_eq!(recorder.texts(), ["as many", "how many?", "many"]);
    harness.say(Said::in_session(again, "how many?", "many")).await;
    harness.all_is_embedded().await;
    assert_eq!(recorder.texts().len(), 3, "both were known");
    harness.say(Said::in_session(foreign, "how many?", "few")).await;
    harness.all_is_embedded().await;

    assert_eq!(recorder.texts(), ["as many", "few", "how many?", "how many?", "many"]);
    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 8);
    let vectors = "SELECT count(DISTINCT embedding) FROM message_embeddings";
    assert_eq!(harness.number(vectors).await, 4);
    harness
        .execute("INSERT INTO background_tasks (kind, subject_id) SELECT 'embed', id FROM messages")
        .await;
    harness.all_is_embedded().await;
    assert_eq!(recorder.texts().len(), 5, "nothing has changed");
}

#[tokio::test]
async fn while_the_provider_is_away_runs_go_on_and_their_messages_are_embedded_later() {
    static IS_AWAY: AtomicBool = AtomicBool::new(true);
    let harness = Harness::without_worker().await;
    let recorder = Recorder::shared(|_: &[String]| match IS_AWAY.load(Ordering::Relaxed) {
        true => Err(Error::Unreachable("no route".into())),
        false => Ok(()),
    });
    let _worker = harness.worker(recorder, 1);
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await.id;

    for _ in 0..3 {
        let (run, _) = api.ask(session, "how many penguins are there?").await;
        assert_eq!(run.state(), RunState::Succeeded);
    }
    assert_eq!(recorder.calls(), Vec::<Vec<String>>::new());
    assert_eq!(harness.messages_to_embed().await, 6);
    IS_AWAY.store(false, Ordering::Relaxed);
    harness.all_is_embedded().await;

    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 6);
    assert_eq!(recorder.calls().concat().len(), 2, "the question and its answer, once each");
}

#[tokio::test]
async fn a_text_that_can_not_be_embedded_keeps_no_other_from_it_and_is_given_up_in_the_end() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    for n in 0..5 {
        let question = if n == 2 { "poison".to_owned() } else { format!("question {n}") };
        harness.say(Said::in_session(session, &question, &format!("answer {n}"))).await;
    }
    let recorder =
        Recorder::shared(|texts: &[String]| match texts.contains(&"poison".to_owned()) {
            true => Err(Error::Unusable("no embedding in it".into())),
            false => Ok(()),
        });

    let _worker = harness.worker(recorder, 1);
    let is_left = async || (harness.messages_to_embed().await == 1).then_some(());
    eventually("all others being embedded", is_left).await;
    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 9);

    let tries = "UPDATE background_tasks SET attempts = 9, due_at = now()";
    harness.execute(tries).await;
    harness.all_is_embedded().await;
    assert!(!recorder.texts().contains(&"poison".to_owned()));
}

#[tokio::test]
async fn a_text_that_the_provider_rejects_keeps_no_other_from_it_and_is_given_up_after_a_day() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await.id;
    for n in 0..5 {
        let question = if n == 2 { "poison".to_owned() } else { format!("question {n}") };
        harness.say(Said::in_session(session, &question, &format!("answer {n}"))).await;
    }
    let recorder =
        Recorder::shared(|texts: &[String]| match texts.contains(&"poison".to_owned()) {
            true => Err(Error::Rejected("413".into())),
            false => Ok(()),
        });

    let _worker = harness.worker(recorder, 1);
    let is_left = async || (harness.messages_to_embed().await == 1).then_some(());
    eventually("all others being embedded", is_left).await;
    harness.execute("UPDATE background_tasks SET attempts = 50, due_at = now()").await;
    let tried = "SELECT count(*) FROM background_tasks WHERE attempts = 51
        AND due_at BETWEEN now() + interval '290 s' AND now() + interval '600 s'";
    eventually("another try, and a wait", async || {
        (harness.number(tried).await == 1).then_some(())
    })
    .await;
    let aged = "UPDATE background_tasks
        SET created_at = now() - interval '25 h', due_at = now()";
    harness.execute(aged).await;
    harness.all_is_embedded().await;

    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 9);
    assert_eq!(embeddings::missing(&harness.db, Models::BUILTIN).await.unwrap(), 1);
    assert_eq!(embeddings::missing(&harness.db, "another").await.unwrap(), 10);
    api.delete_session(session).await;
    assert_eq!(embeddings::missing(&harness.db, "another").await.unwrap(), 0);
}

#[tokio::test]
async fn a_deleted_session_is_embedded_once_it_is_back() {
    let (harness, worker) = Harness::start().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    worker.stop().await;
    harness.say(Said::in_session(session_id, "a question", "an answer")).await;
    api.delete_session(session_id).await;

    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;
    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 0);
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();
    harness.all_is_embedded().await;

    assert_eq!(harness.number("SELECT count(*) FROM message_embeddings").await, 2);
}
