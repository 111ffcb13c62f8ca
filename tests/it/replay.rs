//! The product's statements without the product: the same work, for other values.

mod made_up;

use std::sync::Arc;

use bench::replay::{Inputs, Replay, Script};
use proto::v1 as pb;
use recorder::{Execution, Recorder};
use tokio_postgres::Config;

use crate::harness::{Api, Expect as _, Harness};

/// How one who is not recorded logs in.
async fn server() -> Config {
    let servers = dev::test_servers().await.expect("the test servers run");
    servers.database_url.parse().expect("the server's URL is valid")
}

async fn take(recorder: &Recorder) -> Vec<Execution> {
    recorder.settled().await;
    recorder.take()
}

async fn replay(script: Script) -> Replay {
    Replay::connect(&server().await, Arc::new(script)).await.expect("the roles are there")
}

/// Three users, each with an agent and a session; no ids are the same by chance.
async fn users(harness: &Harness) -> Vec<(i64, Api, i64, i64)> {
    for (nth, table) in
        ["data_sources", "agents", "chat_sessions", "runs", "messages"].iter().enumerate()
    {
        let restart = (nth + 1) * 10_000;
        harness
            .execute(&format!("ALTER TABLE {table} ALTER COLUMN id RESTART WITH {restart}"))
            .await;
    }
    let mut users = Vec::new();
    for user_id in [11, 12, 13] {
        let api = harness.api(user_id);
        let agent_id = api.penguins_agent().await;
        for _ in 0..(user_id % 5) {
            api.session(agent_id, "a title").await;
        }
        let session_id = api.session(agent_id, "a title").await.id;
        users.push((user_id, api, agent_id, session_id));
    }
    users
}

fn inputs(user_id: i64, agent_id: i64, session_id: i64) -> Inputs {
    Inputs::default()
        .number("user_id", user_id)
        .number("agent_id", agent_id)
        .number("session_id", session_id)
}

#[tokio::test]
async fn a_write_is_done_again_for_another_user() {
    let (harness, recorder) = Harness::recorded().await;
    let mut recordings = Vec::new();
    for (user_id, api, agent_id, session_id) in users(&harness).await {
        take(&recorder).await;
        api.session(agent_id, "recorded").await;
        recordings.push((inputs(user_id, agent_id, session_id), take(&recorder).await));
    }
    let api = harness.api(14);
    let agent_id = api.agent().await;

    let script = Script::learn(&[], &recordings).unwrap();
    replay(script).await.run(&inputs(14, agent_id, 1)).await.unwrap();

    let listed = api.sessions.clone().list_sessions(pb::ListSessionsRequest::default()).await;
    let titles: Vec<String> =
        listed.ok_response().sessions.into_iter().map(|it| it.title).collect();
    assert_eq!(titles, ["recorded"]);
}

#[tokio::test]
async fn a_read_that_finds_less_than_the_product_found_fails() {
    let (harness, recorder) = Harness::recorded().await;
    let mut recordings = Vec::new();
    for (user_id, api, agent_id, session_id) in users(&harness).await {
        take(&recorder).await;
        api.get_session(session_id).await;
        recordings.push((inputs(user_id, agent_id, session_id), take(&recorder).await));
    }
    let [(first, _), (second, _), _] = &recordings[..] else { panic!("not three") };

    let mut replay = replay(Script::learn(&[], &recordings).unwrap()).await;

    replay.run(first).await.unwrap();
    replay.run(second).await.unwrap();
    let error = replay.run(&inputs(11, 1, i64::MAX)).await.unwrap_err();
    assert!(format!("{error:#}").contains("0 rows, not 1 as recorded"), "{error:#}");
}

#[tokio::test]
async fn a_run_is_answered_again_from_the_question_to_the_messages() {
    let (harness, recorder) = Harness::recorded().await;
    let worker = harness.worker(model::Builtin, 4);
    let users = users(&harness).await;
    let mut recordings = Vec::new();
    for (user_id, api, agent_id, session_id) in &users {
        take(&recorder).await;
        api.ask(*session_id, "how many penguins are there?").await;
        recordings.push((inputs(*user_id, *agent_id, *session_id), take(&recorder).await));
    }
    worker.stop().await;
    let background = take(&recorder).await;
    let (user_id, api, agent_id, _) = &users[1];
    let session_id = api.session(*agent_id, "another").await.id;

    let script = Script::learn(&background, &recordings).unwrap();
    assert!(!script.to_string().contains("SKIP LOCKED"), "{script}");
    replay(script).await.run(&inputs(*user_id, *agent_id, session_id)).await.unwrap();

    let messages = api.messages(session_id).await;
    let contents: Vec<&str> = messages.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(contents.len(), 2, "{contents:?}");
    assert_eq!(contents[0], "how many penguins are there?");
    assert!(contents[1].contains("344"), "{contents:?}");
}
