use futures::future;
use proto::v1::{self as pb, FinishReason, Role, RunState};

use crate::harness::{Expect as _, Gate, Harness};

#[tokio::test]
async fn a_question_becomes_an_answer_with_its_sql_in_the_conversation() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.penguins_agent().await, "").await;

    let (run, answer) = api.ask(session.id, "Quantos registros tem na tabela penguins?").await;

    assert_eq!(run.state(), RunState::Succeeded, "{run:?}");
    assert_eq!((answer.content.as_str(), answer.role()), ("344", Role::Assistant));
    assert_eq!(answer.finish_reason(), FinishReason::Stop);
    assert!(answer.sql_query.to_lowercase().contains("count("), "{}", answer.sql_query);
    assert_eq!(run.sql_query, answer.sql_query);
    let messages = api.messages(session.id).await;
    let places: Vec<(i64, Role)> =
        messages.iter().map(|it| (it.sequence_order, it.role())).collect();
    assert_eq!(places, [(1, Role::User), (2, Role::Assistant)]);
    assert_eq!(api.get_session(session.id).await.total_messages, 2);
}

#[tokio::test]
async fn a_run_without_a_session_creates_one() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let request = pb::StartRunRequest {
        agent_id: api.penguins_agent().await,
        question: "SELECT count(*) FROM penguins".to_owned(),
        wait: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };

    let response = api.runs.clone().start_run(request).await.unwrap().into_inner();

    let (run, answer) = (response.run.unwrap(), response.answer.unwrap());
    assert_eq!(answer.content, "344");
    assert_eq!(api.get_session(run.session_id).await.total_messages, 2);
}

#[tokio::test]
async fn questions_of_a_session_are_answered_one_after_the_other_in_their_order() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let questions: Vec<String> = (1..=6).map(|n| format!("SELECT {n}")).collect();

    let mut runs = Vec::new();
    for question in &questions {
        runs.push(api.start(session.id, question).await);
    }
    for run in &runs {
        api.wait(run.id).await;
    }

    let messages = api.messages(session.id).await;
    let said: Vec<(i64, Role, &str)> =
        messages.iter().map(|it| (it.sequence_order, it.role(), it.content.as_str())).collect();
    let expected: Vec<(i64, Role, String)> = (1..=6)
        .flat_map(|n| {
            let question = (2 * n - 1, Role::User, format!("SELECT {n}"));
            [question, (2 * n, Role::Assistant, n.to_string())]
        })
        .collect();
    let expected: Vec<(i64, Role, &str)> =
        expected.iter().map(|(place, role, text)| (*place, *role, text.as_str())).collect();
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_question_that_waits_for_its_turn_is_no_message_yet_and_holds_no_slot() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let agent = api.agent().await;
    let (busy, other) = (api.session(agent, "").await, api.session(agent, "").await);
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 2);

    let first = api.start(busy.id, "first").await;
    let second = api.start(busy.id, "second").await;
    let elsewhere = api.start(other.id, "elsewhere").await;
    gate.asked().await;
    gate.asked().await;

    assert_eq!(api.get_session(busy.id).await.total_messages, 1);
    assert_eq!((first.admitted_at.is_some(), second.admitted_at), (true, None));
    assert!(elsewhere.admitted_at.is_some());
    gate.let_through(3);
    let (second, answer) = api.wait(second.id).await;
    assert_eq!(answer.content, "you asked: second");
    assert!(second.admitted_at.is_some());
    assert_eq!(api.get_session(busy.id).await.total_messages, 4);
}

#[tokio::test]
async fn waiting_for_a_run_that_goes_on_returns_it_as_it_is() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let run_id = api.start(session.id, "SELECT 1").await.id;
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 });
    let request = pb::WaitRunRequest { run_id, timeout };

    let response = api.runs.clone().wait_run(request).await.ok_response();

    assert_eq!(response.run.unwrap().state(), RunState::Queued);
    assert_eq!(response.answer, None);
}

#[tokio::test]
async fn everybody_who_waits_for_a_run_hears_of_its_end() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let gate = Gate::shared();
    let _worker = harness.worker(gate, 1);
    let run = api.start(session.id, "well?").await;

    let waiting = future::join_all((0..50).map(|_| api.wait(run.id)));
    let (answers, ()) = future::join(waiting, async {
        gate.asked().await;
        gate.let_through(1);
    })
    .await;

    assert!(answers.iter().all(|(_, answer)| answer.content == "you asked: well?"));
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_session_agent_and_state() {
    let (harness, _worker) = Harness::start().await;
    let api = harness.api(1);
    let (agent, other_agent) = (api.agent().await, api.agent().await);
    let (one, two) = (api.session(agent, "").await, api.session(other_agent, "").await);
    let mut ids = Vec::new();
    for session in [&one, &two, &one, &one] {
        ids.push(api.ask(session.id, "SELECT 1").await.0.id);
    }
    let failed = api.ask(two.id, "DROP TABLE nothing").await.0.id;
    let list = async |request: pb::ListRunsRequest| -> (Vec<i64>, String) {
        let response = api.runs.clone().list_runs(request).await.ok_response();
        let ids = response.runs.iter().map(|run| run.id).collect();
        (ids, response.pagination.unwrap().next_page_token)
    };

    let all = list(pb::ListRunsRequest::default()).await.0;
    let of_session = list(pb::ListRunsRequest { session_id: one.id, ..Default::default() }).await.0;
    let of_agent =
        list(pb::ListRunsRequest { agent_id: other_agent, ..Default::default() }).await.0;
    let state = RunState::Failed.into();
    let of_state = list(pb::ListRunsRequest { state, ..Default::default() }).await.0;
    let (first, token) = list(pb::ListRunsRequest { per_page: 3, ..Default::default() }).await;
    let next = pb::ListRunsRequest { per_page: 3, page_token: token, ..Default::default() };
    let (second, end) = list(next).await;

    assert_eq!(all, [failed, ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(of_session, [ids[3], ids[2], ids[0]]);
    assert_eq!(of_agent, [failed, ids[1]]);
    assert_eq!(of_state, [failed]);
    assert_eq!([first, second].concat(), all);
    assert_eq!(end, "");
}
