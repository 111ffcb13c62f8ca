//! Who is served when there are more than can be.

use std::time::Duration;

use bytes::Bytes;
use dev::wire::{Answer, framed};
use futures::future;
use proto::v1 as pb;
use session_service::door::{Bounds, Door, Turns};
use tokio::time::{self, Instant};
use tonic::Code;

use super::{
    Caller, assert_ok, assert_refused,
    deadlines::{hold, observer, release, until_waiting},
};
use crate::harness::{Harness, Service, door, eventually, settings};

const LIST: &str = "SessionService/ListSessions";
/// How long is waited to see that nothing happens.
const WHILE: Duration = Duration::from_millis(500);

async fn with_turns(harness: &Harness, in_all: u32, of_a_user: u32) -> Service {
    let door = Door { turns: Turns::new(Bounds { in_all, of_a_user }), ..door() };
    harness.service_behind(door, settings()).await
}

fn list() -> pb::ListSessionsRequest {
    pb::ListSessionsRequest::default()
}

#[tokio::test]
async fn one_who_asks_for_much_at_once_leaves_connections_to_the_database_to_others() {
    let harness = Harness::without_worker().await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let callers = future::join_all([1, 2].map(|it| Caller::connect(&harness.service, it))).await;
    let [one, two] = callers.as_slice() else { panic!("there are two") };
    let lock = format!("SELECT FROM chat_sessions WHERE id = {} FOR UPDATE", session.id);
    let (holder, observer) = (hold(&harness, &lock).await, observer(&harness).await);
    let delete = pb::DeleteSessionRequest { session_id: session.id, ..Default::default() };

    let many = future::join_all((0..30).map(|_| one.ask("SessionService/DeleteSession", &delete)));
    let other = async {
        until_waiting(&observer, 5).await;
        let asked_at = Instant::now();
        assert_ok(&two.ask(LIST, &list()).await);
        let took = asked_at.elapsed();
        release(holder).await;
        took
    };
    let (many, took) = future::join(many, other).await;

    assert!(took < Duration::from_secs(2), "{took:?}");
    let deleted = many.iter().filter(|it| it.reason().is_none()).count();
    let missing = many.iter().filter(|it| it.reason().as_deref() == Some("SESSION_NOT_FOUND"));
    assert_eq!((deleted, missing.count()), (1, 29), "each of them had its turn");
}

#[tokio::test]
async fn requests_that_are_not_whole_keep_their_own_user_waiting_and_nobody_else() {
    let harness = Harness::without_worker().await;
    let service = with_turns(&harness, 1, 1).await;
    let (one, two) = (Caller::connect(&service, 1).await, Caller::connect(&service, 2).await);
    let request = one.request(LIST).body(()).expect("a request");
    let (response, mut sender) = one.wire.begin(request).await.expect("it can be begun");
    let whole = framed(&list());
    sender.send_data(whole.slice(..3), false).expect("it can be sent");

    let asked = list();
    let waiting = one.ask(LIST, &asked);
    let meanwhile = async {
        assert_ok(&two.ask(LIST, &asked).await);
        time::sleep(WHILE).await;
        assert_ok(&two.ask(LIST, &asked).await);
        let sent_at = Instant::now();
        sender.send_data(whole.slice(3..), true).expect("it can be sent");
        sent_at
    };
    let (answered_at, sent_at) =
        future::join(async { (waiting.await, Instant::now()) }, meanwhile).await;

    assert_ok(&answered_at.0);
    assert!(sent_at <= answered_at.1, "it has waited for the other's turn to end");
    assert_ok(&Answer::take(response).await.expect("there is an answer"));
}

#[tokio::test]
async fn a_change_that_goes_on_after_its_caller_has_left_keeps_its_turn() {
    let harness = Harness::without_worker().await;
    let service = with_turns(&harness, 2, 1).await;
    let api = harness.api(1);
    let session = api.session(api.agent().await, "").await;
    let caller = Caller::connect(&service, 1).await;
    let lock = format!("SELECT FROM chat_sessions WHERE id = {} FOR UPDATE", session.id);
    let (holder, observer) = (hold(&harness, &lock).await, observer(&harness).await);
    let start = pb::StartRunRequest {
        session_id: session.id,
        question: "SELECT 1".to_owned(),
        ..Default::default()
    };

    tokio::select! {
        answer = caller.ask("RunService/StartRun", &start) => panic!("{answer:?}"),
        _ = until_waiting(&observer, 1) => (),
    }
    let asked = list();
    let mut next = std::pin::pin!(caller.ask(LIST, &asked));
    assert!(time::timeout(WHILE, &mut next).await.is_err(), "it has no turn meanwhile");
    release(holder).await;

    assert_ok(&next.await);
}

#[tokio::test]
async fn imports_of_one_user_leave_places_for_those_of_others() {
    let harness = Harness::without_worker().await;
    let caller = Caller::connect(&harness.service, 1).await;
    let dataset = harness.api(1).dataset().await;
    let table = pb::ImportedTable {
        data_source_id: dataset,
        table_name: "t".to_owned(),
        ..Default::default()
    };
    let part = Some(pb::import_table_request::Part::Table(table));
    let table = framed(&pb::ImportTableRequest { part });
    let begin = async || {
        let request = caller.request("DataSourceService/ImportTable").body(()).unwrap();
        let (response, mut sender) = caller.wire.begin(request).await.expect("it can be begun");
        sender.send_data(table.clone(), false).expect("it can be sent");
        (response, sender)
    };
    let mut begun = Vec::new();
    for _ in 0..10 {
        begun.push(begin().await);
    }

    time::sleep(WHILE).await;
    let other = harness.api(2);
    let dataset = other.dataset().await;
    let imported = time::timeout(Duration::from_secs(10), other.import(dataset, "t", "a\n1\n"));

    imported.await.expect("it does not wait for the others").expect("it is imported");
    drop(begun);
}

#[tokio::test]
async fn strangers_watch_only_so_much_and_a_probe_is_answered_all_the_same() {
    let harness = Harness::without_worker().await;
    let connections = (0..2).map(|_| Caller::connect(&harness.service, 1));
    let connections = future::join_all(connections).await;
    let health = |method: &str| {
        let path = format!("http://localhost/grpc.health.v1.Health/{method}");
        let request = http::Request::post(path).header("content-type", "application/grpc");
        request.header("te", "trailers").body(()).expect("a request")
    };
    let empty = || Bytes::from_static(&[0; 5]);
    let mut watched = Vec::new();
    for n in 0..1000 {
        let wire = &connections[n % 2].wire;
        let (response, mut sender) = wire.begin(health("Watch")).await.expect("it can be begun");
        sender.send_data(empty(), true).expect("it can be sent");
        let mut response = response.await.expect("it is watched");
        response.body_mut().data().await.expect("it is told how the service is").unwrap();
        watched.push(response);
    }

    let watch = connections[0].wire.ask(health("Watch"), empty());
    let refused = time::timeout(Duration::from_secs(10), watch).await.expect("it has an end");
    let refused = refused.expect("an answer");
    assert_refused(&refused, Code::Unavailable, "OVERLOADED");
    assert_ok(&connections[0].wire.ask(health("Check"), empty()).await.expect("an answer"));

    watched.pop();
    eventually("a place to watch from", async || {
        let request = connections[1].wire.begin(health("Watch")).await.ok();
        let (response, mut sender) = request?;
        sender.send_data(empty(), true).ok()?;
        let response = response.await.ok()?;
        response.headers().get("grpc-status").is_none().then_some(())
    })
    .await;
}
