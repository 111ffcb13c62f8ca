//! Answers that are not taken.

use std::time::Duration;

use dev::wire::{Answer, Wire, framed, request};
use h2::client;
use proto::v1 as pb;
use session_service::{
    connections::{Limits, Patience},
    door::{Admission, Bounds, Door},
    server::Settings,
};
use tokio::{
    net::TcpStream,
    time::{self, Instant},
};

use super::{Caller, assert_ok};
use crate::harness::{Harness, Service, door, eventually, settings, token};

const PATIENCE: Duration = Duration::from_secs(1);
const GET: &str = "SessionService/GetSession";

/// A service with one place, that waits for a second only until an answer is taken.
async fn impatient(harness: &Harness) -> Service {
    let patience = Patience { answer: PATIENCE, ..Patience::default() };
    let connections = Limits { patience, ..settings().connections };
    let one = Bounds { in_all: 1, of_a_user: 1 };
    let door = Door { admission: Admission::new(one, one), ..door() };
    harness.service_behind(door, Settings { connections, ..settings() }).await
}

/// Connects as one who takes so many bytes of each answer before it is asked again.
async fn narrow(service: &Service, window: u32) -> Wire {
    let stream = TcpStream::connect(service.address()).await.expect("the service listens");
    let mut builder = client::Builder::new();
    builder.initial_window_size(window);
    Wire::over(stream, &builder).await.expect("HTTP/2 is spoken")
}

#[tokio::test]
async fn an_answer_that_is_not_taken_gives_its_place_back() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let session = harness.api(1).session(harness.api(1).agent().await, "").await;
    let get = pb::GetSessionRequest { session_id: session.id };
    let stuck = narrow(&service, 0).await;
    let caller = Caller::connect(&service, 1).await;

    let ask = request(GET, &token(1)).body(()).unwrap();
    let (response, mut sender) = stuck.begin(ask).await.unwrap();
    sender.send_data(framed(&get), true).unwrap();
    let response = response.await.unwrap();
    let began_at = Instant::now();
    assert!(caller.ask(GET, &get).await.reason().is_some(), "the only place is taken");
    eventually("the place being given back", async || {
        caller.ask(GET, &get).await.reason().is_none().then_some(())
    })
    .await;

    let took = began_at.elapsed();
    assert!((PATIENCE / 2..PATIENCE * 2).contains(&took), "{took:?}");
    drop(response);
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_arrives_whole() {
    let harness = Harness::without_worker().await;
    let service = impatient(&harness).await;
    let api = harness.api(1);
    let (agent, title) = (api.agent().await, "é".repeat(200));
    for _ in 0..50 {
        api.session(agent, &title).await;
    }
    let slow = narrow(&service, 2_000).await;
    let list = pb::ListSessionsRequest { per_page: 50, ..Default::default() };
    let ask = request("SessionService/ListSessions", &token(1)).body(()).unwrap();
    let (response, mut sender) = slow.begin(ask).await.unwrap();
    sender.send_data(framed(&list), true).unwrap();

    let (head, mut stream) = response.await.unwrap().into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece.unwrap();
        body.extend_from_slice(&piece);
        time::sleep(PATIENCE / 10).await;
        stream.flow_control().release_capacity(piece.len()).unwrap();
    }
    let trailers = stream.trailers().await.unwrap().unwrap_or_default();

    let (http_status, headers) = (head.status, head.headers);
    let answer = Answer { http_status, headers, body: body.into(), trailers };
    assert_ok(&answer);
    let listed = answer.message::<pb::ListSessionsResponse>().expect("it is whole");
    assert_eq!(listed.sessions.len(), 50);
    assert!(16_384 < answer.body.len(), "it has more than one piece");
}
