//! Whatever else a request says of its sender.

use proto::v1 as pb;
use tonic::{Code, Request};

use crate::harness::{Api, Expect as _, Harness};

const CLAIMED: [&str; 8] = [
    "x-user-id",
    "user-id",
    "user_id",
    "sub",
    "x-forwarded-user",
    "x-auth-request-user",
    "grpc-metadata-user-id",
    "x-jwt-claim-sub",
];

fn get_session(session_id: i64) -> Request<pb::GetSessionRequest> {
    let mut request = Request::new(pb::GetSessionRequest { session_id });
    for name in CLAIMED {
        request.metadata_mut().insert(name, "1".parse().expect("it is ASCII"));
    }
    request
}

#[tokio::test]
async fn nothing_but_the_token_says_who_asks() {
    let harness = Harness::without_worker().await;
    let owner = harness.api(1);
    let session = owner.session(owner.agent().await, "Session").await;
    let call = async |api: Api| api.sessions.clone().get_session(get_session(session.id)).await;

    call(owner.clone()).await.ok_response();
    call(harness.api(2)).await.refused(Code::NotFound, "SESSION_NOT_FOUND");
    call(harness.api_with(None)).await.refused(Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn two_tokens_are_as_good_as_none() {
    let harness = Harness::without_worker().await;
    let owner = harness.api(1);
    let session = owner.session(owner.agent().await, "Session").await;
    let second = format!("Bearer {}", crate::harness::token(1));
    let mut request = get_session(session.id);
    request.metadata_mut().append("authorization", second.parse().expect("it is ASCII"));

    let api = harness.api_with(None);
    api.sessions.clone().get_session(request).await.ok_response();

    let tokens = [second.as_str(), second.as_str()];
    let mut request = get_session(session.id);
    for token in tokens {
        request.metadata_mut().append("authorization", token.parse().expect("it is ASCII"));
    }
    let outcome = api.sessions.clone().get_session(request).await;
    outcome.refused(Code::Unauthenticated, "UNAUTHENTICATED");
}
