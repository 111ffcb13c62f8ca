mod expiry;
mod forgeries;
mod guarded;
mod identity;
mod issuer;
mod kinds;
mod outages;
mod rotation;
mod signer;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use prost::bytes::Buf as _;
use proto::v1 as pb;
use serde_json::{Value, json};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::harness::{Expect as _, Harness, JWT_SECRET, Scrutinized, described, token};

/// In the year 2100.
const LATER: i64 = 4_102_444_800;

/// Sends a message without any fields, whatever the rpc asks for, and does not
/// look at the answer.
#[derive(Default)]
struct Nothing;

impl Codec for Nothing {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Nothing {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Nothing {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, answer: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        answer.advance(answer.remaining());
        Ok(Some(()))
    }
}

/// The services of the contract.
fn services() -> Vec<String> {
    described::services().map(|it| format!("tertulia.v1.{}", it.name())).collect()
}

/// The path of every rpc of the contract.
fn rpcs() -> Vec<String> {
    described::rpcs().map(|(rpc, _)| format!("/tertulia.v1.{rpc}")).collect()
}

/// Calls an rpc with this header.
async fn call(channel: &Scrutinized, path: &str, authorization: Option<&str>) -> Option<Status> {
    let mut request = Request::new(());
    if let Some(header) = authorization {
        request.metadata_mut().insert("authorization", header.parse().expect("it is ASCII"));
    }
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("the service answers");
    let path = PathAndQuery::try_from(path).expect("it is a path");
    client.unary(request, path, Nothing).await.err()
}

fn sign(algorithm: Algorithm, secret: &str, claims: &Value) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    let token =
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).expect("claims are valid");
    format!("Bearer {token}")
}

/// What must not let anyone in.
fn bad_headers() -> Vec<Option<String>> {
    let signed = |claims: Value| Some(sign(Algorithm::HS256, JWT_SECRET, &claims));
    let of_user = |sub: Value| signed(json!({ "sub": sub, "exp": LATER }));
    let good = token(1);
    let (unsigned, _) = good.rsplit_once('.').expect("it has a signature");
    let other = "another secret, of about the same length";
    let claims = json!({ "sub": "1", "exp": LATER });
    vec![
        None,
        Some(String::new()),
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some("Bearer garbage".to_owned()),
        Some("Bearer a.b.c".to_owned()),
        Some(good.clone()),
        Some(format!("Basic {good}")),
        Some(format!("Bearer {good}x")),
        Some(format!("Bearer {unsigned}.")),
        // {"alg":"none"} . {"sub":"7","exp":4102444800} . no signature
        Some("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwfQ.".to_owned()),
        Some(sign(Algorithm::HS256, other, &claims)),
        Some(sign(Algorithm::HS512, JWT_SECRET, &claims)),
        signed(json!({ "sub": "1" })),
        signed(json!({ "sub": "1", "exp": 1_000_000_000 })),
        signed(json!({ "sub": "1", "exp": LATER, "nbf": LATER - 1 })),
        signed(json!({ "exp": LATER })),
        of_user(json!("0")),
        of_user(json!(0)),
        of_user(json!("-1")),
        of_user(json!(-1)),
        of_user(json!("one")),
        of_user(json!(1.5)),
        of_user(json!("9223372036854775808")),
        of_user(json!(null)),
    ]
}

#[tokio::test]
async fn no_rpc_tells_anything_without_a_valid_token() {
    let harness = Harness::without_worker().await;
    let channel = harness.channel();
    let rpcs = rpcs();
    assert!(rpcs.iter().any(|it| it == "/tertulia.v1.DataSourceService/ImportTable"), "{rpcs:?}");
    let first = call(&channel, &rpcs[0], None).await.unwrap();

    for header in bad_headers() {
        for rpc in &rpcs {
            let status = call(&channel, rpc, header.as_deref()).await;
            let status = status.unwrap_or_else(|| panic!("{rpc} lets {header:?} in"));

            let found = (status.code(), status.message(), status.details());
            let same = (Code::Unauthenticated, first.message(), first.details());
            assert_eq!(found, same, "{rpc} {header:?}");
        }
    }

    let mut sessions = harness.api_with(None).sessions;
    let outcome = sessions.list_sessions(pb::ListSessionsRequest::default()).await;
    outcome.refused(Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_valid_token_lets_its_user_in_everywhere() {
    let harness = Harness::without_worker().await;
    let channel = harness.channel();
    let tomorrow = chrono::Utc::now().timestamp() + 86_400;
    let yesterday = tomorrow - 2 * 86_400;

    for header in [
        format!("Bearer {}", token(1)),
        format!("bearer {}", token(i64::MAX)),
        sign(Algorithm::HS256, JWT_SECRET, &json!({ "sub": 1, "exp": tomorrow, "nbf": yesterday })),
    ] {
        for rpc in rpcs() {
            let code = call(&channel, &rpc, Some(&header)).await.map(|status| status.code());
            assert!([None, Some(Code::InvalidArgument)].contains(&code), "{rpc} {code:?}");
        }
    }
}

#[tokio::test]
async fn health_is_told_by_service_and_without_a_token() {
    let harness = Harness::without_worker().await;
    let mut health = HealthClient::new(harness.channel());

    for service in services().into_iter().chain([String::new()]) {
        let request = HealthCheckRequest { service: service.clone() };
        let response = health.check(request).await.unwrap().into_inner();
        assert_eq!(response.status(), ServingStatus::Serving, "{service}");
    }
    let request = HealthCheckRequest { service: "tertulia.v1.NoService".to_owned() };
    let status = health.check(request).await.unwrap_err();

    assert_eq!(status.code(), Code::NotFound);
}

/// Asks one version of reflection for the services that there are.
macro_rules! reflected_services {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version::{
            ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
            server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
        };
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new($channel);
        let answers = client.server_reflection_info(tokio_stream::iter([request])).await;
        let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
            panic!("{answer:?}");
        };
        list.service.into_iter().map(|it| it.name).collect::<Vec<String>>()
    }};
}

#[tokio::test]
async fn reflection_lists_the_services_without_a_token() {
    let harness = Harness::without_worker().await;

    let v1 = reflected_services!(v1, harness.channel());
    let v1alpha = reflected_services!(v1alpha, harness.channel());

    assert_eq!(services().len(), 5);
    for listed in [v1, v1alpha] {
        for service in services() {
            assert!(listed.contains(&service), "{service} is not in {listed:?}");
        }
        assert!(listed.iter().any(|it| it == "grpc.health.v1.Health"), "{listed:?}");
    }
}
