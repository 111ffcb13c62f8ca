use proto::v1::{self as pb, FinishReason, Role, RunState};

use crate::harness::Harness;

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
