use std::time::{Duration, Instant};

use model::Error;
use proto::v1::{self as pb, PrivacyMode};
use storage::{
    SessionId, entity,
    summaries::{self, Summary},
};

use super::Talk;
use crate::harness::{Analyst, Expect as _, Harness, Recorder, Said, Seen, eventually, mask};

async fn no_tasks(talk: &Talk) {
    eventually("the end of all background work", async || {
        (talk.harness.number("SELECT count(*) FROM background_tasks").await == 0).then_some(())
    })
    .await;
}

async fn set_title(talk: &Talk, title: &str) {
    let request = pb::UpdateSessionRequest {
        session_id: talk.session_id,
        title: title.to_owned(),
        update_mask: mask(&["title"]),
        ..Default::default()
    };
    talk.api.sessions.clone().update_session(request).await.ok_response();
}

fn summarized(analyst: &Analyst) -> Vec<String> {
    let seen = analyst.seen().into_iter().filter(|it| matches!(it, Seen::Summarize(_)));
    seen.map(|it| it.text().to_owned()).collect()
}

#[tokio::test]
async fn a_conversation_is_given_a_title_and_a_summary_after_its_first_answer_and_its_etag_stays() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::None).await;
    let before = talk.api.get_session(talk.session_id).await;

    talk.ask("SELECT 1").await;

    let after = eventually("a title", async || {
        let session = talk.api.get_session(talk.session_id).await;
        (!session.title.is_empty() && !session.context_summary.is_empty()).then_some(session)
    })
    .await;
    assert_eq!((after.title.as_str(), after.etag), ("A conversation", before.etag));
    assert_eq!(after.context_summary, "1 turns, after: ");
    talk.ask("SELECT 2").await;
    no_tasks(&talk).await;
    assert_eq!(summarized(analyst).len(), 1);
}

#[tokio::test]
async fn a_title_that_the_user_has_set_or_removed_is_left_alone() {
    for title in ["Mine", ""] {
        let analyst = Analyst::obedient();
        let talk = Talk::about_people(analyst, PrivacyMode::None).await;
        set_title(&talk, "First").await;
        set_title(&talk, title).await;

        talk.ask("SELECT 1").await;
        no_tasks(&talk).await;

        assert_eq!(talk.api.get_session(talk.session_id).await.title, title);
        assert_eq!(summarized(analyst), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_long_conversation_is_summed_up_and_the_summary_goes_on_from_the_one_before() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::None).await;
    set_title(&talk, "Mine").await;

    for n in 0..11 {
        talk.ask(&format!("SELECT {n}")).await;
    }
    let first = eventually("a summary", async || {
        let summary = talk.api.get_session(talk.session_id).await.context_summary;
        (!summary.is_empty()).then_some(summary)
    })
    .await;
    for n in 11..18 {
        talk.ask(&format!("SELECT {n}")).await;
    }
    let second = eventually("another summary", async || {
        let summary = talk.api.get_session(talk.session_id).await.context_summary;
        (summary != first).then_some(summary)
    })
    .await;

    assert_eq!(first, "6 turns, after: ");
    assert!(second.ends_with(&format!("after: {first}")), "{second}");
    assert!(summarized(analyst)[0].contains("SELECT 5"), "{:?}", summarized(analyst));
    assert!(!summarized(analyst)[0].contains("SELECT 6"), "{:?}", summarized(analyst));
    talk.ask("SELECT 99").await;
    let last = analyst.plans().pop().expect("it was asked");
    assert!(last.contains(&format!("summary: {second:?}")), "{last}");
}

#[tokio::test]
async fn a_summary_is_made_anew_when_more_than_twenty_messages_lie_beyond_it() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::None).await;
    talk.ask("SELECT 0").await;
    no_tasks(&talk).await;

    for n in 1..=10 {
        talk.ask(&format!("SELECT {n}")).await;
    }
    no_tasks(&talk).await;
    assert_eq!(summarized(analyst).len(), 1);
    talk.ask("SELECT 11").await;
    no_tasks(&talk).await;

    let summary = talk.api.get_session(talk.session_id).await.context_summary;
    assert_eq!(summary, "6 turns, after: 1 turns, after: ");
}

#[tokio::test]
async fn a_very_long_conversation_is_summed_up_in_one_go_though_in_parts() {
    let analyst = Analyst::obedient();
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session_id = api.session(api.agent().await, "").await.id;
    for n in 0..120 {
        let question = format!("question {n}");
        harness.say(Said::in_session(session_id, &question, "an answer")).await;
    }
    let task = format!(
        "INSERT INTO background_tasks (kind, subject_id) VALUES ('summarize', {session_id})"
    );
    harness.execute(&task).await;

    let _worker = harness.worker(analyst, 1);
    let sql = "SELECT summary_until_sequence FROM chat_sessions";
    let is_through = async || (harness.number(sql).await == 230).then_some(());
    eventually("a summary of all but the last messages", is_through).await;

    let summary = api.get_session(session_id).await.context_summary;
    assert_eq!(summary, "15 turns, after: 50 turns, after: 50 turns, after: ");
}

#[tokio::test]
async fn a_provider_that_fails_for_some_keeps_no_others_from_their_titles() {
    let harness = Harness::without_worker().await;
    let recorder = Recorder::shared(|texts: &[String]| match texts {
        [text] if text == "SELECT 'away'" => Err(Error::Unreachable("no route".into())),
        [text] if text == "SELECT 'wrong'" => Err(Error::Rejected("401".into())),
        _ => Ok(()),
    });
    let api = harness.api(1);
    let (broken, sound) = (api.agent().await, api.agent().await);
    // So many that they would be tried for longer than anybody waits here.
    for question in ["SELECT 'away'", "SELECT 'wrong'"].repeat(8) {
        let session_id = api.session(broken, "").await.id;
        harness.say(Said::in_session(session_id, question, "an answer")).await;
    }
    let session_id = api.session(sound, "").await.id;
    harness.say(Said::in_session(session_id, "SELECT 1", "1")).await;
    let tasks = "DELETE FROM background_tasks;
        INSERT INTO background_tasks (kind, subject_id, due_at)
        SELECT 'summarize', id, now() - interval '1 h' + id * interval '1 ms' FROM chat_sessions";
    harness.execute(tasks).await;

    let _worker = harness.worker(recorder, 1);
    let began_at = Instant::now();
    eventually("the title", async || {
        (!api.get_session(session_id).await.title.is_empty()).then_some(())
    })
    .await;

    assert!(began_at.elapsed() < Duration::from_secs(10), "{:?}", began_at.elapsed());
    let left = "SELECT count(*) FROM background_tasks";
    eventually("the title's task being done", async || {
        (harness.number(left).await == 16).then_some(())
    })
    .await;
    let tried = "SELECT count(*) FROM background_tasks WHERE 0 < attempts";
    assert_eq!(harness.number(tried).await, 8, "what was rejected was tried");
}

#[tokio::test]
async fn a_summary_is_not_stored_over_another_nor_in_a_deleted_session() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let id = SessionId(api.session(api.agent().await, "").await.id);
    let stored = async || {
        harness.number("SELECT count(*) FROM chat_sessions WHERE context_summary = 'new'").await
    };
    let summary =
        Summary { text: "new".to_owned(), until_sequence: 0, cells: entity::message::Cells::None };
    let before = summaries::find(&harness.db, id).await.unwrap().expect("it is there");

    harness.execute("UPDATE chat_sessions SET summary_cells = 'rows'").await;
    summaries::store(&harness.db, &before, summary.clone()).await.unwrap();
    assert_eq!(stored().await, 0);
    let before = summaries::find(&harness.db, id).await.unwrap().expect("it is there");
    api.delete_session(id.0).await;
    summaries::store(&harness.db, &before, summary).await.unwrap();
    summaries::store_title(&harness.db, id, "new".to_owned()).await.unwrap();

    assert_eq!(stored().await, 0);
    let titled = "SELECT count(*) FROM chat_sessions WHERE is_titled";
    assert_eq!(harness.number(titled).await, 0);
}

#[tokio::test]
async fn a_summary_that_holds_more_than_may_be_seen_is_made_anew() {
    let analyst = Analyst::obedient();
    let talk = Talk::about_people(analyst, PrivacyMode::None).await;
    set_title(&talk, "Mine").await;
    let leak = "UPDATE chat_sessions SET context_summary = 'Zorblax earns 91827',
        summary_cells = 'rows', summary_until_sequence = 2";
    talk.ask("SELECT 0").await;
    talk.harness.execute(leak).await;

    for n in 1..12 {
        talk.ask(&format!("SELECT {n}")).await;
    }

    let summary = eventually("another summary", async || {
        let summary = talk.api.get_session(talk.session_id).await.context_summary;
        (!summary.contains("Zorblax")).then_some(summary)
    })
    .await;
    assert!(summary.ends_with("after: "), "{summary}");
    for seen in analyst.seen() {
        assert!(!seen.text().contains("Zorblax"), "{seen:?}");
    }
}
