//! When connections end, and how many there are.

use std::{net::SocketAddr, time::Duration};

use dev::wire::Wire;
use proto::v1 as pb;
use session_service::{connections::Limits, server::Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{self, Instant},
};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{Caller, assert_ok};
use crate::harness::{Api, Harness, Service, door, eventually, settings};

const SHORT: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(1);
const LIST: &str = "SessionService/ListSessions";
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

async fn with(harness: &Harness, limits: Limits) -> Service {
    harness.service_behind(door(), Settings { connections: limits, ..settings() }).await
}

fn limits() -> Limits {
    settings().connections
}

fn list() -> pb::ListSessionsRequest {
    pb::ListSessionsRequest::default()
}

/// Says this, and nothing after it; returns when the server has hung up.
async fn until_closed(address: SocketAddr, said: &[u8]) -> Duration {
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.write_all(said).await.expect("it is connected");
    let began_at = Instant::now();
    let mut heard = Vec::new();
    // It may be closed rudely.
    let _ = stream.read_to_end(&mut heard).await;
    began_at.elapsed()
}

async fn queued(api: &Api) -> pb::Run {
    let session = api.session(api.agent().await, "").await;
    api.start(session.id, "SELECT 1").await
}

#[tokio::test]
async fn one_who_does_not_say_what_it_speaks_is_hung_up_on() {
    let harness = Harness::without_worker().await;
    let service = with(&harness, Limits { handshake: SHORT, ..limits() }).await;
    let address = service.address();

    let (nothing, half, request) = tokio::join!(
        until_closed(address, b""),
        until_closed(address, &PREFACE[..12]),
        until_closed(address, b"POST /tertulia.v1.SessionService/ListSessions HTTP/1.1\r\nx: "),
    );

    for took in [nothing, half, request] {
        assert!((SHORT / 2..SHORT + LATE).contains(&took), "{took:?}");
    }
}

#[tokio::test]
async fn one_who_has_said_what_it_speaks_may_be_silent() {
    let harness = Harness::without_worker().await;
    let service = with(&harness, Limits { handshake: SHORT, ..limits() }).await;
    let caller = Caller::connect(&service, 1).await;

    time::sleep(SHORT * 2).await;

    assert_ok(&caller.ask(LIST, &list()).await);
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_and_one_with_a_long_one_is_not() {
    let harness = Harness::without_worker().await;
    let limits = Limits { idle: SHORT, handshake: SHORT, ..limits() };
    let service = with(&harness, limits).await;
    let run = queued(&harness.api(1)).await;
    let mut watch = service.api(1).watch(run.id, 0).await;
    watch.event().await;
    let mut idle = Caller::connect(&service, 1).await;
    assert_ok(&idle.ask(LIST, &list()).await);

    let began_at = Instant::now();
    idle.wire.closed().await;
    let took = began_at.elapsed();
    assert!((SHORT / 2..SHORT + LATE).contains(&took), "{took:?}");
    let silent = [PREFACE, &EMPTY_SETTINGS].concat();
    // It does not even agree to the end.
    let took = until_closed(service.address(), &silent).await;
    assert!((SHORT / 2..SHORT * 2 + LATE).contains(&took), "{took:?}");

    let mut attempt = harness.attempt(run.id).await;
    attempt.say_all(["still here"]).await;
    watch.until("still here").await;
}

#[tokio::test]
async fn an_old_connection_takes_no_more_requests_and_lets_those_it_has_end() {
    let harness = Harness::without_worker().await;
    let grace = Duration::from_secs(30);
    let service = with(&harness, Limits { age: SHORT, grace, ..limits() }).await;
    let run = queued(&harness.api(1)).await;
    let mut old = Caller::connect(&service, 1).await;
    let wait = pb::WaitRunRequest {
        run_id: run.id,
        timeout: Some(prost_types::Duration { seconds: 2, nanos: 500_000_000 }),
    };

    let waited = old.ask("RunService/WaitRun", &wait).await;
    assert_ok(&waited);
    let refused = old.wire.begin(old.request(LIST).body(()).unwrap()).await;
    assert!(refused.is_err(), "it was told to go away");
    time::timeout(SHORT, old.wire.closed()).await.expect("it has nothing more to do");

    // A client as people use it does not notice.
    let api = service.api(1);
    for _ in 0..30 {
        api.run(run.id).await;
        time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn a_watch_that_does_not_end_on_an_old_connection_is_ended_as_such_after_the_grace() {
    let harness = Harness::without_worker().await;
    let service = with(&harness, Limits { age: SHORT, grace: SHORT, ..limits() }).await;
    let run = queued(&harness.api(1)).await;
    let began_at = Instant::now();
    let watch = service.api(1).watch(run.id, 0).await;

    let (events, status) = watch.broken().await;

    let took = began_at.elapsed();
    assert!(!events.is_empty());
    let info = status.get_details_error_info().expect("it has one");
    assert_eq!((status.code(), &*info.reason), (Code::Unavailable, "SHUTTING_DOWN"));
    assert_eq!(info.metadata["after_event_id"], "0");
    assert!((SHORT * 3 / 2..SHORT * 2 + LATE).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_connection_too_many_is_refused_until_another_has_ended() {
    let harness = Harness::without_worker().await;
    let service = with(&harness, Limits { max_connections: 2, ..limits() }).await;
    let first = Caller::connect(&service, 1).await;
    let second = Caller::connect(&service, 1).await;
    assert_ok(&first.ask(LIST, &list()).await);
    assert_ok(&second.ask(LIST, &list()).await);

    assert!(until_closed(service.address(), PREFACE).await < SHORT);
    drop(first);

    eventually("a connection being taken again", async || {
        let wire = Wire::connect(service.address()).await.ok()?;
        let request = second.request(LIST).body(()).expect("a request");
        wire.ask(request, dev::wire::framed(&list())).await.ok()
    })
    .await;
    assert_ok(&second.ask(LIST, &list()).await);
}
