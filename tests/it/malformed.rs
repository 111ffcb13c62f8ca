//! What the framework refuses before any of our methods sees it.

use proto::v1 as pb;
use tonic::{
    Code, Request, Response, Status, client::Grpc, codegen::http::uri::PathAndQuery,
    metadata::MetadataValue,
};
use tonic_prost::ProstCodec;

use crate::harness::{Expect as _, Harness, token};

/// Sends a message that has a text in its first field.
async fn send(harness: &Harness, method: &str, text: &str) -> Result<Response<()>, Status> {
    let mut grpc = Grpc::new(harness.channel());
    grpc.ready().await.expect("the service is there");
    let name = text.to_owned();
    let mut request = Request::new(pb::CreateAgentRequest { name, ..Default::default() });
    let header = MetadataValue::try_from(format!("Bearer {}", token(1)));
    request.metadata_mut().insert("authorization", header.expect("a token is ASCII"));
    let path = PathAndQuery::try_from(format!("/tertulia.v1.{method}")).expect("a path");
    let codec = ProstCodec::<pb::CreateAgentRequest, ()>::default();
    grpc.unary(request, path, codec).await
}

#[tokio::test]
async fn a_request_that_is_not_a_message_of_its_type_is_the_callers_mistake() {
    let harness = Harness::without_worker().await;

    // There, the first field is a number.
    let answer = send(&harness, "SessionService/GetSession", "text").await;

    let status = answer.refused(Code::InvalidArgument, "MALFORMED_REQUEST");
    assert!(!status.message().contains("GetSessionRequest"), "{}", status.message());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_as_such() {
    let harness = Harness::without_worker().await;

    let answer = send(&harness, "AgentService/CreateAgent", &"x".repeat(5 << 20)).await;

    answer.refused(Code::ResourceExhausted, "MESSAGE_TOO_LARGE");
}

#[tokio::test]
async fn a_method_that_is_not_there_is_unimplemented() {
    let harness = Harness::without_worker().await;

    for method in ["SessionService/NoSuchMethod", "NoSuchService/GetSession"] {
        send(&harness, method, "text").await.refused(Code::Unimplemented, "UNIMPLEMENTED");
    }
}
