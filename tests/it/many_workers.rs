//! Conversations stay in order, whoever asks and whoever answers.

use futures::future;
use proto::v1::{self as pb, Role};

use crate::harness::{Api, Harness};

/// Checks that a session's messages are its questions, in order, each followed by
/// its answer.
#[track_caller]
fn assert_dense(messages: &[pb::Message], session: &pb::Session, questions: usize) {
    assert_eq!(messages.len(), 2 * questions);
    assert_eq!(session.total_messages, messages.len() as i64);
    for (index, pair) in messages.chunks(2).enumerate() {
        let [question, answer] = pair else { panic!("an answer is missing") };
        let place = 2 * index as i64 + 1;
        assert_eq!((question.sequence_order, question.role()), (place, Role::User));
        assert_eq!((answer.sequence_order, answer.role()), (place + 1, Role::Assistant));
        assert_eq!(question.run_id, answer.run_id);
        assert_eq!(format!("SELECT {}", answer.content), question.content);
    }
    assert!(messages.is_sorted_by_key(|message| message.run_id));
    assert!(messages.is_sorted_by_key(|it| it.created_at.map(|at| (at.seconds, at.nanos))));
}

async fn ask_all(api: &Api, session_id: i64, questions: usize) {
    let mut last = 0;
    for n in 0..questions {
        last = api.start(session_id, &format!("SELECT {n}")).await.id;
    }
    api.wait(last).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_forty_conversations_dense_and_alternating() {
    let (harness, _one) = Harness::start().await;
    let _two = harness.worker(model::Builtin, 4);
    let api = harness.api(1);
    let agent = api.agent().await;
    let sessions = future::join_all((0..40).map(|_| api.session(agent, ""))).await;

    future::join_all(sessions.iter().map(|session| ask_all(&api, session.id, 5))).await;

    for session in sessions {
        let messages = api.messages(session.id).await;
        assert_dense(&messages, &api.get_session(session.id).await, 5);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_race_for_one_session_all_find_their_place() {
    let (harness, _one) = Harness::start().await;
    let _two = harness.worker(model::Builtin, 4);
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;

    let questions: Vec<String> = (0..40).map(|n| format!("SELECT {n}")).collect();
    let runs = questions.iter().map(|question| api.start(session.id, question));
    let runs = future::join_all(runs).await;
    future::join_all(runs.iter().map(|run| api.wait(run.id))).await;

    let messages = api.messages(session.id).await;
    assert_dense(&messages, &api.get_session(session.id).await, 40);
}
