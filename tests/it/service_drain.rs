//! A service that is told to stop lets nobody down who can come back, and is held up
//! by nobody.

use std::time::Duration;

use futures::future;
use proto::v1::{self as pb, RunState};
use tokio::{
    net::TcpStream,
    time::{self, Instant},
};
use tonic::{Code, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt as _;

use crate::harness::{Api, Expect as _, Harness, numbered};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(2);
/// What stopping may take besides the time to drain.
const MARGIN: Duration = Duration::from_secs(2);

/// A run that goes on, of one's own.
async fn queued(api: &Api) -> pb::Run {
    let session = api.session(api.agent().await, "").await;
    api.start(session.id, "well?").await
}

/// The event after which a watch that was ended can be resumed.
#[track_caller]
fn resume_from(status: Status) -> i64 {
    let status = Err::<Response<()>, _>(status).refused(Code::Unavailable, "SHUTTING_DOWN");
    let details = status.get_error_details();
    assert!(details.retry_info().is_some_and(|it| it.retry_delay.is_some()), "{status:?}");
    let info = details.error_info().expect("it has one");
    info.metadata["after_event_id"].parse().expect("a number")
}

#[tokio::test]
async fn a_watch_is_ended_and_goes_on_at_another_instance() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(LONG).await;
    let run = queued(&harness.api(1)).await;
    let uninterrupted = tokio::spawn(harness.api(1).watch(run.id, 0).await.rest());
    let mut watches = Vec::new();
    for _ in 0..10 {
        watches.push(stopping.api(1).watch(run.id, 0).await);
    }
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["one ", "two "]).await;
    let mut seen = Vec::new();
    for watch in &mut watches {
        seen.push(watch.until("two ").await);
    }

    let stopped = tokio::spawn(stopping.stop());
    for (watch, seen) in watches.into_iter().zip(&mut seen) {
        let (more, status) = watch.broken().await;
        seen.extend(more);
        let after = resume_from(status);
        assert_eq!(seen.last().map(|it| it.event_id), Some(after));
    }
    assert!(stopped.await.unwrap() < MARGIN);
    attempt.say_all(["three ", "four"]).await;
    attempt.stored(attempt.last_event_id()).await;
    attempt.end("one two three four").await;

    let whole = numbered(&uninterrupted.await.unwrap());
    assert_eq!(whole.len(), 6);
    for mut seen in seen {
        let after = seen.last().expect("it is not empty").event_id;
        seen.extend(harness.api(1).watch(run.id, after).await.rest().await);
        assert_eq!(numbered(&seen), whole);
    }
}

#[tokio::test]
async fn health_turns_before_anything_else_does() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(SHORT).await;
    let mut health = HealthClient::new(stopping.channel());
    let mut watches = Vec::new();
    for service in ["", "tertulia.v1.RunService", "tertulia.v1.SessionService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut watch = health.watch(request).await.unwrap().into_inner();
        let first = watch.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving, "{service}");
        watches.push(watch);
    }

    let stopped = tokio::spawn(stopping.stop());

    for watch in &mut watches {
        let next = time::timeout(MARGIN, watch.message()).await.expect("it is told at once");
        assert_eq!(next.unwrap().unwrap().status(), ServingStatus::NotServing);
    }
    // A watch of the health has no end of its own.
    assert!(stopped.await.unwrap() < SHORT + MARGIN);
}

#[tokio::test]
async fn who_waits_for_a_run_is_told_how_far_it_is() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(LONG).await;
    let api = stopping.api(1);
    let run = queued(&api).await;
    let _attempt = harness.attempt(run.id).await;
    let session = api.session(run.agent_id, "").await;
    let wait = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let start = pb::StartRunRequest {
        session_id: session.id,
        question: "and this?".to_owned(),
        wait,
        ..Default::default()
    };

    let waiting = async {
        let request = pb::WaitRunRequest { run_id: run.id, timeout: wait };
        let waited = api.runs.clone().wait_run(request).await.ok_response();
        (waited.run.expect("it is there"), waited.answer)
    };
    let starting = async {
        let started = api.runs.clone().start_run(start).await.ok_response();
        (started.run.expect("it was started"), started.answer)
    };
    let stopping = async {
        // Until both wait.
        time::sleep(Duration::from_millis(500)).await;
        stopping.stop().await
    };
    let ((waited, none), (started, nothing), took) =
        future::join3(waiting, starting, stopping).await;

    assert_eq!((waited.id, waited.state()), (run.id, RunState::Running));
    assert_eq!(started.state(), RunState::Queued);
    assert_eq!((none, nothing), (None, None));
    assert!(took < MARGIN, "{took:?}");
    assert_eq!(harness.api(1).messages(session.id).await.len(), 1);
}

#[tokio::test]
async fn connections_that_nobody_uses_hold_up_nothing() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(LONG).await;
    let api = stopping.api(1);
    api.agent().await;
    let address = stopping.address();

    let took = stopping.stop().await;

    assert!(took < MARGIN, "{took:?}");
    let refused = api.runs.clone().list_runs(pb::ListRunsRequest::default()).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_connection_that_never_says_a_word_holds_up_no_longer_than_the_time_to_drain() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(SHORT).await;
    let _mute = TcpStream::connect(stopping.address()).await.unwrap();
    // It was accepted before this was answered.
    stopping.api(1).agent().await;

    let took = stopping.stop().await;

    assert!(took < SHORT + MARGIN, "{took:?}");
}

#[tokio::test]
async fn a_stream_that_is_never_read_holds_up_no_longer_than_the_time_to_drain() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(SHORT).await;
    let run = queued(&harness.api(1)).await;
    let mut unread = stopping.narrow_api(1).watch(run.id, 0).await;
    unread.event().await;
    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all((0..60).map(|_| "x".repeat(20_000))).await;
    attempt.stored(attempt.last_event_id()).await;

    let told_at = Instant::now();
    let took = stopping.stop().await;

    assert!((SHORT..SHORT + MARGIN).contains(&took), "{took:?}");
    assert!(told_at.elapsed() < SHORT + MARGIN);
    drop(unread);
}

#[tokio::test]
async fn a_watch_that_is_at_its_end_is_brought_there() {
    let harness = Harness::without_worker().await;
    let stopping = harness.another_service(LONG).await;
    let run = queued(&harness.api(1)).await;
    let attempt = harness.attempt(run.id).await;
    let last = attempt.last_event_id();
    attempt.end_at(last + 1, "said").await;
    // It waits for the event that is missing.
    let mut watch = stopping.api(1).watch(run.id, 0).await;
    watch.event().await;

    let stopped = tokio::spawn(stopping.stop());
    let events = watch.rest().await;

    assert_eq!(events.last().map(|it| it.event_id), Some(last + 2));
    assert!(stopped.await.unwrap() < SHORT + MARGIN);
}
