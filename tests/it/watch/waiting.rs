//! WaitRun, where the end is not announced or comes in another way.

use std::time::{Duration, Instant};

use async_nats::connection::State;
use futures::future;
use proto::v1::{self as pb, RunState};

use super::queued;
use crate::{
    harness::{Expect as _, Harness, Talker, eventually},
    run_queue::own_server::OwnServer,
};

#[tokio::test]
async fn an_end_that_nobody_tells_of_is_found_by_all_who_wait() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let attempt = harness.attempt(run.id).await;
    let waiting = future::join_all((0..50).map(|_| api.wait(run.id)));

    let ending = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        attempt.end_at(attempt.last_event_id(), "said").await;
        Instant::now()
    };
    let (ends, ended_at) = future::join(waiting, ending).await;

    assert!(ended_at.elapsed() < Duration::from_secs(5), "{:?}", ended_at.elapsed());
    assert!(ends.iter().all(|(run, answer)| {
        (run.state(), answer.content.as_str()) == (RunState::Succeeded, "said")
    }));
}

#[tokio::test]
async fn an_end_is_found_while_nats_is_away() {
    let mut server = OwnServer::start().await;
    let harness = Harness::on_nats(&server.url()).await;
    let (api, run) = queued(&harness).await;
    let attempt = harness.attempt(run.id).await;
    server.stop().await;
    let is_away = async || (harness.nats.connection_state() != State::Connected).then_some(());
    eventually("the connection being lost", is_away).await;

    let waiting = async { (api.wait(run.id).await, Instant::now()) };
    let ending = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        attempt.end("said").await;
        Instant::now()
    };
    let (((_, answer), heard_at), ended_at) = future::join(waiting, ending).await;

    assert_eq!(answer.content, "said");
    assert!(heard_at - ended_at < Duration::from_secs(3), "{:?}", heard_at - ended_at);
}

#[tokio::test]
async fn deleting_the_session_ends_the_waiting_with_the_runs_end() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let queued = api.start(run.session_id, "and then?").await;
    let talker = Talker::shared();
    let _worker = harness.worker(talker, 1);
    talker.say("half an answer");
    api.watch(run.id, 0).await.until("half an answer").await;
    let waiting = future::join(api.end(run.id), api.end(queued.id));

    let deleting = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        api.delete_session(run.session_id).await;
    };
    let (((active, answer), (queued, none)), ()) = future::join(waiting, deleting).await;

    for run in [&active, &queued] {
        let reason = &run.error.as_ref().expect("it says why").reason;
        assert_eq!((run.state(), reason.as_str()), (RunState::Cancelled, "SESSION_DELETED"));
    }
    assert_eq!(answer.expect("its turn had come").content, "half an answer");
    assert_eq!(none, None);
}

#[tokio::test]
async fn waiting_no_longer_than_was_asked_for_is_no_failure() {
    let harness = Harness::without_worker().await;
    let (api, run) = queued(&harness).await;
    let _attempt = harness.attempt(run.id).await;
    let timeout = Some(prost_types::Duration { seconds: 0, nanos: 300_000_000 });
    let request = pb::WaitRunRequest { run_id: run.id, timeout };

    let asked_at = Instant::now();
    let response = api.runs.clone().wait_run(request).await.ok_response();

    let waited = asked_at.elapsed();
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&waited), "{waited:?}");
    assert_eq!(response.run.expect("it is there").state(), RunState::Running);
    assert_eq!(response.answer, None);
}
