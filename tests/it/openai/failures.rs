//! Servers that are slow, busy, broken or not there.

use std::time::{Instant, SystemTime};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::harness::{Ending, ModelServer, Reply, delta};

fn busy(header: &'static str, value: &str) -> Reply {
    Reply::Plain(429, vec![(header, value.to_owned())], String::new())
}

fn hasty(server: &ModelServer) -> Arc<dyn Provider> {
    chat(&models(server, json!({"timeout_seconds": 0.2}), pacing()))
}

#[tokio::test]
async fn a_server_that_recovers_is_answered_by() {
    for status in [408, 409, 429, 500, 502, 503, 504, 529] {
        let server = ModelServer::start([
            Reply::fails(status),
            Reply::fails(status),
            Reply::says(&["SELECT 1"]),
        ])
        .await;
        assert_eq!(plan(&*patient(&server)).await.unwrap().plan, query("SELECT 1"));
        let seen = server.seen();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|it| it.body == seen[0].body));
    }
}

#[tokio::test]
async fn a_server_that_does_not_recover_is_given_up() {
    for status in [429, 503] {
        let server = ModelServer::start([Reply::fails(status)]).await;
        is_overloaded(plan(&*patient(&server)).await);
        assert_eq!(server.seen().len(), 3);
    }
    let server = ModelServer::start([Reply::fails(500)]).await;
    is_unreachable(plan(&*patient(&server)).await);
    is_unreachable(answer(&*patient(&server)).await.1);
    is_unreachable(summarize(&*patient(&server)).await);
    assert_eq!(server.seen().len(), 9);
}

#[tokio::test]
async fn a_request_that_is_not_accepted_is_not_repeated() {
    for status in [400, 401, 403, 404, 422] {
        let server = ModelServer::start([Reply::refuses(status, "not like this")]).await;
        let rejection = format!("HTTP {status}");
        is_rejected(plan(&*patient(&server)).await, &rejection);
        is_rejected(answer(&*patient(&server)).await.1, &rejection);
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let to = vec![("location", "/v1/elsewhere".to_owned())];
    let server = ModelServer::start([Reply::Plain(307, to, String::new())]).await;
    is_rejected(plan(&*patient(&server)).await, "HTTP 307");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_when_to_come_back_is_left_alone_until_then() {
    // A date has whole seconds, so it is up to one second sooner than what it is made of.
    let date = httpdate(SystemTime::now() + Duration::from_millis(2_900));
    for (busy, least_ms) in [
        (busy("retry-after", "1"), 1_000),
        (busy("retry-after", &date), 900),
        (busy("retry-after-ms", "300"), 300),
    ] {
        let server = ModelServer::start([busy, Reply::says(&["SELECT 1"])]).await;
        let started = Instant::now();
        plan(&*patient(&server)).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(least_ms), "{least_ms}");
        assert_eq!(server.seen().len(), 2);
    }
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
fn httpdate(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn a_server_that_wants_to_be_left_alone_for_long_is_overloaded() {
    for value in ["3600", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        let server = ModelServer::start([busy("retry-after", value)]).await;
        assert!(is_busy(plan(&*patient(&server)).await) >= Duration::from_secs(3_600));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let models = models_at(&format!("http://{closed}/v1"), json!({}), pacing());
    is_unreachable(plan(&*chat(&models)).await);
}

#[tokio::test]
async fn a_server_that_takes_no_connections_is_waited_for_in_vain_but_not_for_long() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address));
    let mut connections = Vec::new();
    while let Ok(connection) = connect().await {
        connections.push(connection.unwrap());
    }

    let models = models_at(&format!("http://{address}/v1"), json!({}), pacing());
    let started = Instant::now();

    is_unreachable(plan(&*chat(&models)).await);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_falls_silent_is_not_waited_for_without_end() {
    let text = Reply::Chunks(vec![delta("There").into_bytes()], Ending::Hang);
    let server = ModelServer::start([Reply::Silence]).await;
    is_unreachable(plan(&*hasty(&server)).await);
    assert_eq!(server.seen().len(), 3);

    server.go_on([text]);
    is_unreachable(plan(&*hasty(&server)).await);
    assert_eq!(server.seen().len(), 6);

    let (texts, end) = answer(&*hasty(&server)).await;
    assert_eq!(texts, ["There"]);
    is_unreachable(end);
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn silence_before_the_first_byte_can_be_mended_by_asking_again() {
    let server = ModelServer::start([Reply::Silence, Reply::says(&["3"])]).await;
    assert_eq!(answer(&*hasty(&server)).await.0, ["3"]);
}
