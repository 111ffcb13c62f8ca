//! What pages in browsers get, byte by byte: CORS and gRPC-Web, over HTTP/1.1 and HTTP/2.

mod gateway;

use std::num::NonZeroU32;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures::future::join_all;
use prost::Message as _;
use proto::v1 as pb;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use session_service::door::{Door, Rate};

use crate::harness::{Harness, Service, door, look_at, settings, token};

const PAGE: &str = "https://app.example.com";
const WEB: &str = "application/grpc-web+proto";
/// A message without any fields, in its frame.
const EMPTY: [u8; 5] = [0; 5];

/// A service that pages of one origin may call, and an HTTP client of each version.
struct Site {
    service: Service,
    clients: [Client; 2],
    _harness: Harness,
}

impl Site {
    async fn start() -> Self {
        Self::behind(door()).await
    }

    async fn behind(door: Door) -> Self {
        // Reqwest wants one, even where no TLS is spoken.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let harness = Harness::without_worker().await;
        let door = Door { origins: PAGE.parse().expect("an origin"), ..door };
        let service = harness.service_behind(door, settings()).await;
        let http1 = Client::builder().http1_only().build();
        let http2 = Client::builder().http2_prior_knowledge().build();
        let clients = [http1.expect("a client"), http2.expect("a client")];
        Self { service, clients, _harness: harness }
    }

    fn request(&self, client: &Client, method: Method) -> RequestBuilder {
        let url =
            format!("http://{}/tertulia.v1.SessionService/ListSessions", self.service.address());
        client.request(method, url)
    }

    /// A call that a browser makes for a page that may call.
    fn call(&self, client: &Client, content_type: &str) -> RequestBuilder {
        self.call_from(PAGE, client, content_type)
    }

    fn call_from(&self, origin: &str, client: &Client, content_type: &str) -> RequestBuilder {
        let request = self.request(client, Method::POST).header("origin", origin);
        request.header("content-type", content_type).body(EMPTY.to_vec())
    }

    /// What a browser asks before it calls for a page of this origin.
    async fn ask(&self, client: &Client, origin: &str) -> Response {
        let request = self.request(client, Method::OPTIONS).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        let headers = "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent";
        send(request.header("access-control-request-headers", headers)).await
    }
}

async fn send(request: RequestBuilder) -> Response {
    let response = request.send().await.expect("it is answered");
    look_at(response.headers());
    response
}

fn bearer() -> String {
    format!("Bearer {}", token(1))
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().expect("ASCII"))
}

#[track_caller]
fn assert_readable(response: &Response) {
    assert_eq!(header(response, "access-control-allow-origin"), Some(PAGE), "{response:?}");
    let exposed = header(response, "access-control-expose-headers").unwrap_or_default();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        assert!(exposed.split(',').any(|it| it.trim() == name), "{name}: {response:?}");
    }
}

/// Asserts that a page can read why it was refused.
#[track_caller]
fn assert_refused(response: &Response, http_status: StatusCode, status: &str) {
    assert_eq!(response.status(), http_status, "{response:?}");
    assert_eq!(header(response, "grpc-status"), Some(status), "{response:?}");
    assert!(header(response, "grpc-status-details-bin").is_some(), "{response:?}");
    assert_readable(response);
}

/// The message and the trailers of a gRPC-Web answer.
fn parts(body: &[u8]) -> (pb::ListSessionsResponse, String) {
    let (message, rest) = frame(body, 0);
    let (trailers, rest) = frame(rest, 0x80);
    assert!(rest.is_empty(), "{rest:?}");
    let message = pb::ListSessionsResponse::decode(message).expect("a message of its type");
    (message, String::from_utf8(trailers.to_vec()).expect("ASCII"))
}

fn frame(bytes: &[u8], kind: u8) -> (&[u8], &[u8]) {
    let (head, rest) = bytes.split_first_chunk::<5>().expect("a frame's head");
    assert_eq!(head[0], kind, "{bytes:?}");
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    rest.split_at(length.try_into().expect("a small frame"))
}

#[tokio::test]
async fn a_page_that_may_call_may_send_what_its_client_sends() {
    let site = Site::start().await;

    for client in &site.clients {
        let response = site.ask(client, PAGE).await;

        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "access-control-allow-origin"), Some(PAGE));
        assert_eq!(header(&response, "access-control-allow-methods"), Some("POST"));
        assert_eq!(header(&response, "access-control-allow-credentials"), None);
        assert_eq!(header(&response, "access-control-max-age"), Some("3600"));
        assert!(header(&response, "vary").is_some_and(|it| it.contains("origin")));
        let allowed = header(&response, "access-control-allow-headers").unwrap_or_default();
        for name in ["authorization", "content-type", "grpc-timeout", "x-grpc-web"] {
            assert!(allowed.split(',').any(|it| it == name), "{name}: {allowed}");
        }
    }
}

#[tokio::test]
async fn a_page_from_elsewhere_may_nothing() {
    let site = Site::start().await;
    let strangers = [
        "https://elsewhere.example",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.elsewhere.example",
        "https://other.app.example.com",
        "null",
    ];

    for client in &site.clients {
        for origin in strangers {
            let asked = site.ask(client, origin).await;
            let call = site.call_from(origin, client, WEB);
            let called = send(call.header("authorization", bearer())).await;

            assert_eq!(header(&asked, "access-control-allow-origin"), None, "{origin}");
            assert_eq!(header(&called, "access-control-allow-origin"), None, "{origin}");
        }
    }
}

#[tokio::test]
async fn a_page_reads_the_message_and_then_the_status() {
    let site = Site::start().await;

    for client in &site.clients {
        let response = send(site.call(client, WEB).header("authorization", bearer())).await;

        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), Some(WEB));
        assert_readable(&response);
        let (message, trailers) = parts(&response.bytes().await.expect("a body"));
        assert_eq!(message.pagination.map(|it| it.page), Some(1));
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
    }
}

#[tokio::test]
async fn a_page_that_can_not_read_bytes_is_answered_in_text() {
    let site = Site::start().await;

    for client in &site.clients {
        let call = site.call(client, "application/grpc-web-text+proto");
        let call = call.header("accept", "application/grpc-web-text+proto");
        let call = call.header("authorization", bearer()).body(BASE64_STANDARD.encode(EMPTY));
        let response = send(call).await;

        assert_eq!(header(&response, "content-type"), Some("application/grpc-web-text+proto"));
        // Each frame is encoded by itself, with its padding.
        let body = response.text().await.expect("text");
        let pieces = body.split_inclusive("==").flat_map(|it| it.split_inclusive('='));
        let decode = |piece: &str| BASE64_STANDARD.decode(piece).expect("base64");
        let (message, trailers) = parts(&pieces.flat_map(decode).collect::<Vec<_>>());
        assert_eq!(message.pagination.map(|it| it.page), Some(1));
        assert!(trailers.contains("grpc-status:0"), "{trailers}");
    }
}

#[tokio::test]
async fn a_page_can_read_that_its_token_is_not_accepted() {
    let site = Site::start().await;

    for client in &site.clients {
        let without = send(site.call(client, WEB)).await;
        let wrong = send(site.call(client, WEB).header("authorization", "Bearer x")).await;

        assert_refused(&without, StatusCode::OK, "16");
        assert_refused(&wrong, StatusCode::OK, "16");
    }
}

#[tokio::test]
async fn a_page_can_read_that_it_calls_too_often() {
    let one = NonZeroU32::MIN;
    let site = Site::behind(Door { rate: Rate::new(one, one), ..door() }).await;

    for client in &site.clients {
        let calls = (0..5).map(|_| send(site.call(client, WEB).header("authorization", bearer())));
        let answers = join_all(calls).await;

        // One that is let in has its status in the body.
        let refused = answers.iter().find(|it| header(it, "grpc-status").is_some());
        assert_refused(refused.expect("one of five in a second"), StatusCode::OK, "8");
    }
}

#[tokio::test]
async fn a_page_can_read_that_it_does_not_speak_grpc_web() {
    let site = Site::start().await;

    for client in &site.clients {
        for content_type in ["application/json", "text/plain", "application/grpc-web+json"] {
            let call = site.call(client, content_type).header("authorization", bearer());
            assert_refused(&send(call).await, StatusCode::UNSUPPORTED_MEDIA_TYPE, "3");
        }
        let get = site.request(client, Method::GET).header("origin", PAGE);
        let get = send(get.header("content-type", WEB)).await;
        assert_refused(&get, StatusCode::METHOD_NOT_ALLOWED, "3");
    }
}
