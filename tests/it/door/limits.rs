//! How much may be asked for: often, at once, and of what size.

use std::{num::NonZeroU32, time::Duration};

use futures::future;
use proto::v1 as pb;
use session_service::door::{Admission, Bounds, Door, Rate};
use tokio::time::{self, Instant};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    Caller, assert_ok, assert_over_quota, assert_refused,
    deadlines::{hold, release},
};
use crate::harness::{Api, Harness, Service, door, eventually, settings};

const LIST: &str = "SessionService/ListSessions";
const MINUTE: Option<prost_types::Duration> = Some(prost_types::Duration { seconds: 60, nanos: 0 });

fn list() -> pb::ListSessionsRequest {
    pb::ListSessionsRequest::default()
}

pub(super) fn bounds(in_all: u32, of_a_user: u32) -> Bounds {
    Bounds { in_all, of_a_user }
}

async fn admitting(harness: &Harness, worked: Bounds, waiting: Bounds) -> Service {
    let door = Door { admission: Admission::new(worked, waiting), ..door() };
    harness.service_behind(door, settings()).await
}

async fn limited(harness: &Harness, per_second: u32, burst: u32) -> Service {
    let number = |number| NonZeroU32::new(number).expect("a positive number");
    let door = Door { rate: Rate::new(number(per_second), number(burst)), ..door() };
    harness.service_behind(door, settings()).await
}

/// A run that goes on for as long as nobody works on it.
async fn queued(api: &Api) -> pb::Run {
    let session = api.session(api.agent().await, "").await;
    api.start(session.id, "SELECT 1").await
}

/// Waits until a request is let in again.
async fn until_let_in(caller: &Caller) {
    eventually("a place being given back", async || {
        let answer = caller.ask(LIST, &list()).await;
        answer.status().filter(|it| it.code() == Code::Ok)
    })
    .await;
}

#[tokio::test]
async fn one_who_calls_too_often_is_told_for_how_long_to_wait() {
    let harness = Harness::without_worker().await;
    let service = limited(&harness, 1, 3).await;
    let (one, two) = (Caller::connect(&service, 1).await, Caller::connect(&service, 2).await);

    let asked = list();
    let answers = future::join_all((0..20).map(|_| one.ask(LIST, &asked))).await;
    let (refused, allowed): (Vec<_>, Vec<_>) =
        answers.iter().partition(|it| it.status().is_some_and(|it| it.code() != Code::Ok));
    assert!((3..10).contains(&allowed.len()), "{allowed:?}");
    for refused in &refused {
        assert_over_quota(refused, "RATE_LIMITED", 1);
    }
    let refused = refused.last().expect("these are too many");
    let retry = refused.status().and_then(|it| it.get_details_retry_info()).expect("it has one");
    let delay = retry.retry_delay.expect("it has one");
    assert!(Duration::ZERO < delay && delay <= Duration::from_secs(1), "{delay:?}");

    assert_ok(&two.ask(LIST, &list()).await);
    time::sleep(delay).await;
    assert_ok(&one.ask(LIST, &list()).await);
}

#[tokio::test]
async fn what_is_beyond_the_places_is_refused_at_once_until_one_is_given_back() {
    let harness = Harness::without_worker().await;
    let service = admitting(&harness, bounds(2, 1), bounds(9, 9)).await;
    let callers = future::join_all((1..=3).map(|user| Caller::connect(&service, user))).await;
    let [one, two, three] = callers.as_slice() else { panic!("there are three") };
    let holder = hold(&harness, "LOCK TABLE chat_sessions IN ACCESS EXCLUSIVE MODE").await;

    let asked = list();
    let (held, other) = (one.ask(LIST, &asked), two.ask(LIST, &asked));
    let meanwhile = async {
        // Both are in by the time that the third is refused.
        eventually("all places being taken", async || {
            let code = three.ask_within("100m", LIST, &asked).await.status()?.code();
            (code == Code::Unavailable).then_some(())
        })
        .await;
        let asked_at = Instant::now();
        let refused = three.ask(LIST, &asked).await;
        assert_refused(&refused, Code::Unavailable, "OVERLOADED");
        let status = refused.status().expect("it has one");
        assert!(status.get_details_retry_info().is_some_and(|it| it.retry_delay.is_some()));
        assert!(asked_at.elapsed() < Duration::from_secs(1));
        release(holder).await;
    };
    let (held, other, ()) = tokio::join!(held, other, meanwhile);

    assert_ok(&held);
    assert_ok(&other);
    assert_ok(&three.ask(LIST, &asked).await);
}

#[tokio::test]
async fn a_user_who_has_all_of_his_places_takes_none_of_the_others() {
    let harness = Harness::without_worker().await;
    let service = admitting(&harness, bounds(2, 1), bounds(9, 9)).await;
    let (one, two) = (Caller::connect(&service, 1).await, Caller::connect(&service, 2).await);
    let get = pb::GetSessionRequest { session_id: i64::MAX };
    let holder = hold(&harness, "LOCK TABLE messages IN ACCESS EXCLUSIVE MODE").await;
    let session = service.api(2).session(service.api(2).agent().await, "").await;
    let read = pb::ListMessagesRequest { session_id: session.id, ..Default::default() };
    let search = pb::SearchMessagesRequest {
        query: "one".to_owned(),
        mode: pb::SearchMode::Text.into(),
        ..Default::default()
    };

    let held = one.ask("SessionService/SearchMessages", &search);
    let meanwhile = async {
        eventually("the user's place being taken", async || {
            let answer = one.ask(LIST, &list()).await;
            (answer.status()?.code() != Code::Ok).then_some(())
        })
        .await;
        assert_over_quota(&one.ask(LIST, &list()).await, "TOO_MANY_REQUESTS", 1);
        let missing = two.ask("SessionService/GetSession", &get).await;
        assert_refused(&missing, Code::NotFound, "SESSION_NOT_FOUND");
        release(holder).await;
    };
    let (held, ()) = future::join(held, meanwhile).await;

    assert_ok(&held);
    assert_ok(&two.ask("SessionService/ListMessages", &read).await);
}

#[tokio::test]
async fn a_place_is_given_back_however_its_request_ends() {
    let harness = Harness::without_worker().await;
    let service = admitting(&harness, bounds(1, 1), bounds(1, 1)).await;
    let caller = Caller::connect(&service, 1).await;
    let run = queued(&harness.api(1)).await;
    let get = pb::GetSessionRequest { session_id: run.session_id };
    let session = "SessionService/GetSession";
    let bad = pb::GetSessionRequest { session_id: -1 };
    let watch = pb::WatchRunRequest { run_id: run.id, after_event_id: 0 };

    assert_refused(&caller.ask(session, &bad).await, Code::InvalidArgument, "INVALID_FIELD");
    let text = pb::SearchMessagesRequest { query: "no number".to_owned(), ..Default::default() };
    let malformed = caller.ask(session, &text);
    assert_refused(&malformed.await, Code::InvalidArgument, "MALFORMED_REQUEST");
    assert_ok(&caller.ask(session, &get).await);
    let watched = caller.ask_within("300m", "RunService/WatchRun", &watch).await;
    assert_refused(&watched, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let wait = pb::WaitRunRequest { run_id: run.id, timeout: MINUTE };
    assert_ok(&caller.ask_within("300m", "RunService/WaitRun", &wait).await);

    let holder = hold(&harness, "LOCK TABLE chat_sessions IN ACCESS EXCLUSIVE MODE").await;
    let late = caller.ask_within("300m", session, &get).await;
    assert_refused(&late, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    let left = time::timeout(Duration::from_millis(300), caller.ask(session, &get)).await;
    assert!(left.is_err());
    release(holder).await;
    until_let_in(&caller).await;

    let mut watched = service.api(1).watch(run.id, 0).await;
    watched.event().await;
    drop(watched);
    eventually("the place to wait being given back", async || {
        let watched = caller.ask_within("100m", "RunService/WatchRun", &watch).await;
        (watched.status()?.code() == Code::DeadlineExceeded).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_who_waits_for_a_run_leaves_the_place_of_one_who_works() {
    let harness = Harness::without_worker().await;
    let service = admitting(&harness, bounds(1, 1), bounds(1, 1)).await;
    let caller = Caller::connect(&service, 1).await;
    let run = queued(&harness.api(1)).await;
    let mut watch = service.api(1).watch(run.id, 0).await;
    watch.event().await;

    until_let_in(&caller).await;
    let wait = pb::WaitRunRequest { run_id: run.id, timeout: MINUTE };
    let refused = caller.ask("RunService/WaitRun", &wait).await;
    assert_refused(&refused, Code::Unavailable, "OVERLOADED");
    let start = pb::StartRunRequest {
        session_id: run.session_id,
        question: "SELECT 2".to_owned(),
        wait: MINUTE,
        ..Default::default()
    };
    let asked_at = Instant::now();
    let started = caller.ask("RunService/StartRun", &start).await;

    assert_ok(&started);
    assert!(asked_at.elapsed() < Duration::from_secs(5), "it did not wait");
    let started = started.message::<pb::StartRunResponse>().expect("a response");
    assert!(started.answer.is_none() && started.run.is_some());
}

#[tokio::test]
async fn headers_that_are_too_large_are_refused_as_such() {
    let harness = Harness::without_worker().await;
    let caller = Caller::connect(&harness.service, 1).await;
    let with = async |bytes: usize| {
        let request = caller.request(LIST).header("x-padding", "x".repeat(bytes));
        caller.ask_with(request, &list()).await
    };

    assert_ok(&with(8_000).await);
    assert_refused(&with(20_000).await, Code::ResourceExhausted, "HEADERS_TOO_LARGE");
    // Nothing of these is read.
    assert_eq!(with(100_000).await.http_status, 431);
    assert_ok(&with(8_000).await);
}

#[tokio::test]
async fn a_connection_says_how_many_streams_it_takes() {
    let harness = Harness::without_worker().await;
    let mut settings = settings();
    settings.connections.max_concurrent_streams = 7;
    let service = harness.service_behind(door(), settings).await;
    let caller = Caller::connect(&service, 1).await;

    assert_ok(&caller.ask(LIST, &list()).await);

    assert_eq!(caller.wire.max_streams(), 7);
}
