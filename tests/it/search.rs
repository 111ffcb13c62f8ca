//! Finding messages: by what they are about, by their words, and by both.

use model::{Builtin, Error};
use proto::v1::{self as pb, SearchMode};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{Api, Expect as _, Harness, Recorder, Said};

mod many;
mod meaning;
mod plans;
mod related;
mod words;

fn search(query: &str, mode: SearchMode) -> pb::SearchMessagesRequest {
    pb::SearchMessagesRequest { query: query.to_owned(), mode: mode.into(), ..Default::default() }
}

async fn hits(api: &Api, request: pb::SearchMessagesRequest) -> Vec<pb::SearchHit> {
    api.sessions.clone().search_messages(request).await.ok_response().hits
}

/// What was found, the best first.
async fn found(api: &Api, request: pb::SearchMessagesRequest) -> Vec<String> {
    let hits = hits(api, request).await;
    let best_first = hits.is_sorted_by(|one, next| next.score <= one.score);
    assert!(best_first, "{hits:?}");
    hits.into_iter().map(|hit| hit.message.expect("it is one").content).collect()
}

/// A session of this user on an agent of its own.
async fn session(harness: &Harness, user_id: i64) -> i64 {
    let api = harness.api(user_id);
    api.session(api.agent().await, "A title").await.id
}

/// Some turns of one user, embedded.
async fn talked(turns: &[(&str, &str)]) -> (Harness, i64) {
    let harness = Harness::without_worker().await;
    let session_id = session(&harness, 1).await;
    for (question, answer) in turns {
        harness.say(Said::in_session(session_id, question, answer)).await;
    }
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;
    (harness, session_id)
}

const MODES: [SearchMode; 4] =
    [SearchMode::Unspecified, SearchMode::Semantic, SearchMode::Text, SearchMode::Hybrid];

#[tokio::test]
async fn without_the_embedder_words_are_found_and_nothing_else_is_tried() {
    let (harness, session_id) = talked(&[("sales by month", "12 rows")]).await;
    let broken = Recorder::shared(|_: &[String]| Err(Error::Overloaded));
    let service = harness.searching_service(broken).await;
    let api = service.api(1);

    assert_eq!(found(&api, search("sales", SearchMode::Text)).await, ["sales by month"]);
    for mode in [SearchMode::Unspecified, SearchMode::Semantic, SearchMode::Hybrid] {
        let outcome = api.sessions.clone().search_messages(search("sales", mode)).await;
        let status = outcome.refused(Code::Unavailable, "EMBEDDER_UNAVAILABLE");
        assert!(status.get_details_retry_info().is_some(), "{status:?}");
        // What is not there is not there, whatever else is wrong.
        let nowhere =
            pb::SearchMessagesRequest { session_id: session_id + 1, ..search("sales", mode) };
        let outcome = api.sessions.clone().search_messages(nowhere).await;
        outcome.refused(Code::NotFound, "SESSION_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_search_by_words_tells_the_embedder_nothing() {
    let (harness, _) = talked(&[("sales by month", "12 rows")]).await;
    let recorder = Recorder::shared(|_: &[String]| Ok(()));
    let service = harness.searching_service(recorder).await;

    hits(&service.api(1), search("sales", SearchMode::Text)).await;
    assert_eq!(recorder.texts(), Vec::<String>::new());
    hits(&service.api(1), search("turnover", SearchMode::Semantic)).await;
    assert_eq!(recorder.texts(), ["turnover"]);
}

#[tokio::test]
async fn what_others_have_said_is_never_found() {
    let (harness, _) = talked(&[("sales by month", "12 rows of sales")]).await;
    let foreign = session(&harness, 2).await;
    harness.say(Said::in_session(foreign, "sales", "sales of the year")).await;
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;

    for mode in MODES {
        // Nor does it take the place of one's own.
        let request = pb::SearchMessagesRequest { limit: 2, ..search("sales", mode) };
        let mut mine = found(&harness.api(1), request).await;
        mine.sort();
        assert_eq!(mine, ["12 rows of sales", "sales by month"], "{mode:?}");
        assert_eq!(found(&harness.api(3), search("sales", mode)).await, Vec::<String>::new());
    }
    // Neither by the word that marks the owner's.
    for word in ["owner:2", "'owner:2'", "\"owner:2\"", "owner:2 or sales", "-owner:1"] {
        let found = found(&harness.api(1), search(word, SearchMode::Text)).await;
        assert!(!found.iter().any(|it| it.contains("year") || it == "sales"), "{word}: {found:?}");
    }
}

#[tokio::test]
async fn every_filter_holds_in_every_mode() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let (agent, other_agent) = (api.agent().await, api.agent().await);
    let one = api.session(agent, "One").await.id;
    let two = api.session(agent, "Two").await.id;
    let three = api.session(other_agent, "Three").await.id;
    for (session, name) in [(one, "one"), (two, "two"), (three, "three")] {
        let [question, answer] = ["question", "answer"].map(|it| format!("sales {it} {name}"));
        let ids = harness.say(Said::in_session(session, &question, &answer)).await;
        let at = format!(
            "UPDATE messages SET created_at = '2026-01-01'::timestamptz
                + sequence_order * interval '1 day' + {session} * interval '1 year'
            WHERE id BETWEEN {} AND {}",
            ids[0], ids[1]
        );
        harness.execute(&at).await;
    }
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;
    let request = pb::DeleteAgentRequest { agent_id: other_agent, ..Default::default() };
    api.agents.clone().delete_agent(request).await.ok_response();
    let time = async |session: i64, place: i64| {
        let messages = api.messages(session).await;
        messages[usize::try_from(place).unwrap()].created_at
    };
    let (early, late) = (time(two, 0).await, time(two, 1).await);

    for mode in MODES {
        let plain = search("sales", mode);
        let check = async |request: pb::SearchMessagesRequest, expected: &[&str]| {
            let mut found = found(&api, request).await;
            found.sort();
            assert_eq!(found, expected, "{mode:?}");
        };
        let all_of =
            |name: &str| [format!("sales answer {name}"), format!("sales question {name}")];
        let [answer, question] = &all_of("two");
        let of_two = pb::SearchMessagesRequest { session_id: two, ..plain.clone() };
        check(of_two.clone(), &[answer, question]).await;
        let of_user = pb::SearchMessagesRequest { role: pb::Role::User.into(), ..of_two.clone() };
        check(of_user, &[question]).await;
        let of_assistant =
            pb::SearchMessagesRequest { role: pb::Role::Assistant.into(), ..of_two.clone() };
        check(of_assistant, &[answer]).await;
        let [last_answer, last_question] = &all_of("three");
        let of_agent = pb::SearchMessagesRequest { agent_id: other_agent, ..plain.clone() };
        check(of_agent, &[last_answer, last_question]).await;
        check(pb::SearchMessagesRequest { agent_id: other_agent, ..of_two }, &[]).await;
        let after = pb::SearchMessagesRequest { created_after: early, ..plain.clone() };
        check(after.clone(), &[last_answer, answer, last_question]).await;
        let between = pb::SearchMessagesRequest { created_before: late, ..after };
        check(between, &[]).await;
        let before = pb::SearchMessagesRequest { created_before: early, ..plain };
        let [first_answer, first_question] = &all_of("one");
        check(before, &[first_answer, first_question]).await;
    }
}

#[tokio::test]
async fn a_deleted_session_is_not_searched_until_it_is_back() {
    let (harness, session_id) = talked(&[("sales", "sales")]).await;
    let api = harness.api(1);
    let other = session(&harness, 1).await;
    harness.say(Said::in_session(other, "sales by month", "12 rows")).await;
    let _worker = harness.worker(Builtin, 1);
    harness.all_is_embedded().await;

    api.delete_session(session_id).await;
    for mode in MODES {
        let request = pb::SearchMessagesRequest { limit: 1, ..search("sales", mode) };
        assert_eq!(found(&api, request).await, ["sales by month"], "{mode:?}");
    }
    let request = pb::UndeleteSessionRequest { session_id, ..Default::default() };
    api.sessions.clone().undelete_session(request).await.ok_response();
    for mode in MODES {
        let found = found(&api, search("sales", mode)).await;
        assert_eq!(found.iter().filter(|it| *it == "sales").count(), 2, "{mode:?}: {found:?}");
    }
}

#[tokio::test]
async fn a_hit_says_where_it_is_from_and_how_well_it_fits() {
    let (harness, session_id) = talked(&[("sales by month", "12 rows")]).await;
    let api = harness.api(1);
    let (session, messages) = (api.get_session(session_id).await, api.messages(session_id).await);

    for (mode, least, most) in [
        (SearchMode::Semantic, 0.999, 1.001),
        (SearchMode::Text, 0.000_1, 10.0),
        (SearchMode::Hybrid, 2.0 / 61.0, 2.0 / 61.0),
    ] {
        let hits = hits(&api, search("sales by month", mode)).await;
        let hit = &hits[0];
        assert_eq!(hit.message.as_ref(), messages.first());
        let of_session = (hit.session_title.as_str(), hit.agent_id);
        assert_eq!(of_session, ("A title", session.agent_id));
        assert!((least..=most).contains(&hit.score), "{mode:?}: {}", hit.score);
    }
}

#[tokio::test]
async fn both_ways_together_find_what_either_finds_and_first_what_both_find() {
    let (harness, _) = talked(&[
        ("rainfall in Seattle", "an answer"),
        ("penguins in Antarctica", "the rain it raineth every day"),
        ("rain in Seattle by month", "another"),
    ])
    .await;

    let found = found(&harness.api(1), search("rain Seattle", SearchMode::Hybrid)).await;

    assert_eq!(found[..2], ["rain in Seattle by month", "rainfall in Seattle"]);
    assert_eq!(found.len(), 6);
}

#[tokio::test]
async fn as_many_are_found_as_were_asked_for_within_bounds() {
    let turns = vec![("sales by month", "12 rows of sales"); 30];
    let (harness, _) = talked(&turns).await;
    for mode in MODES {
        for (limit, expected) in [(0, 10), (1, 1), (49, 49), (50, 50), (51, 50), (i32::MAX, 50)] {
            let request = pb::SearchMessagesRequest { limit, ..search("sales", mode) };
            assert_eq!(hits(&harness.api(1), request).await.len(), expected, "{mode:?} {limit}");
        }
    }
}
