//! Issuers that are down, slow, or not what they were.

use std::time::Duration;

use axum::http::StatusCode;
use jsonwebtoken::Algorithm;
use proto::v1 as pb;
use serde_json::json;
use session_service::auth::{Pace, Rules, Verifier};
use tokio::time::{self, Instant};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    guarded::Guarded,
    issuer::{Answer, Issuer},
    signer::{Signer, jwks},
};
use crate::harness::{Expect as _, Harness, eventually};

/// Reads often, so that failures come soon.
fn often(max_stale: Duration) -> Pace {
    let often = Duration::from_millis(100);
    Pace { fetch_every: often, holding: often..=often, max_stale, ..Pace::default() }
}

/// What an issuer may send that has no keys in it.
fn not_keys(signer: &Signer) -> [Answer; 6] {
    let many = json!({ "keys": vec![signer.jwk(); 101] }).to_string();
    [
        Answer::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Answer::Elsewhere(jwks(&[signer])),
        Answer::Keys("<html>be right back</html>".to_owned()),
        Answer::Keys(json!({ "error": "not today" }).to_string()),
        Answer::Keys(format!("{}{}", jwks(&[signer]), " ".repeat(256 * 1024))),
        Answer::Keys(many),
    ]
}

#[tokio::test]
async fn keys_outlast_their_issuer_for_a_while_and_come_back_with_it() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let token = signer.token();
    let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
    let pace = often(Duration::from_secs(4));
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;

    issuer.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    let (down_at, asked) = (Instant::now(), issuer.asked());
    eventually("a failure", async || (issuer.asked() > asked).then_some(())).await;
    assert!(service.lets_in(&token).await);
    let header = format!("Bearer {token}");
    eventually("the end", async || service.refusal_of(Some(&header)).await).await;
    assert!(down_at.elapsed() > Duration::from_secs(3), "{:?}", down_at.elapsed());

    issuer.answer(Answer::Keys(jwks(&[&signer])));
    let is_back = async || service.refusal_of(Some(&header)).await.is_none().then_some(());
    eventually("the return", is_back).await;
}

#[tokio::test]
async fn whoever_has_a_token_is_told_to_wait_where_the_keys_are_too_old() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
    let pace = often(Duration::from_secs(1));
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    issuer.answer(Answer::Status(StatusCode::SERVICE_UNAVAILABLE));
    let good = format!("Bearer {}", signer.token());

    let told = eventually("the end", async || service.refusal_of(Some(&good)).await).await;

    assert_eq!(told.0, Code::Unavailable);
    let other = Signer::new("other", Algorithm::ES256);
    let impostor = Signer::new("key", Algorithm::ES256);
    let expired = signer.sign(&json!({ "sub": "1", "exp": 1_000_000_000 }));
    for token in [&other.token(), &impostor.token(), &expired, "garbage", "a.b.c"] {
        let header = format!("Bearer {token}");
        assert_eq!(service.refusal_of(Some(&header)).await.as_ref(), Some(&told), "{token}");
    }
    for header in [None, Some("Bearer"), Some("Basic dXNlcjpwYXNz")] {
        let refusal = service.refusal_of(header).await.expect("it has no token");
        assert_eq!(refusal.0, Code::Unauthenticated, "{header:?}");
    }
    let mut sessions = service.service.api_with(signer.token()).sessions;
    let outcome = sessions.list_sessions(pb::ListSessionsRequest::default()).await;
    let status = outcome.refused(Code::Unavailable, "UNAVAILABLE");
    assert!(status.get_details_retry_info().is_some_and(|it| it.retry_delay.is_some()));
}

#[tokio::test]
async fn keys_that_may_not_grow_old_are_fetched_again_in_time() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let token = signer.token();
    let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
    let pace = Pace { max_stale: Duration::from_secs(2), ..Pace::default() };
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;

    eventually("the keys being fetched a fourth time", async || {
        assert!(service.lets_in(&token).await);
        (issuer.asked() == 4).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_no_set_of_keys_changes_nothing() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let other = Signer::new("other", Algorithm::ES256);
    for answer in not_keys(&other) {
        let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
        let pace = Pace { pause: Duration::ZERO, ..Pace::default() };
        let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;

        issuer.answer(answer);

        assert!(!service.lets_in(&other.token()).await);
        assert_eq!(issuer.asked(), 2);
        assert!(service.lets_in(&signer.token()).await);
    }
}

#[tokio::test]
async fn an_issuer_that_withdraws_its_keys_lets_nobody_in() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let token = signer.token();
    let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
    let pace = often(Duration::from_secs(3600));
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    assert!(service.lets_in(&token).await);

    issuer.answer(Answer::Keys(jwks(&[])));

    eventually("the end", async || (!service.lets_in(&token).await).then_some(())).await;
}

#[tokio::test]
async fn there_are_no_keys_before_the_issuer_has_sent_some() {
    let signer = Signer::new("key", Algorithm::ES256);
    for answer in not_keys(&signer) {
        let issuer = Issuer::start(answer).await;
        let verifier = Verifier::new(issuer.source(), Rules::default(), Pace::default()).unwrap();
        tokio::spawn(verifier.clone().refresh_keys());
        eventually("the first failure", async || (issuer.asked() > 0).then_some(())).await;
        let early = time::timeout(Duration::from_millis(200), verifier.has_keys()).await;
        assert!(early.is_err());

        issuer.answer(Answer::Keys(jwks(&[&signer])));

        let late = time::timeout(Duration::from_secs(20), verifier.has_keys()).await;
        assert!(late.is_ok(), "it is tried again");
    }
}

#[tokio::test]
async fn a_token_of_an_unknown_key_does_not_wait_long_for_a_slow_issuer() {
    let harness = Harness::without_worker().await;
    let signer = Signer::new("key", Algorithm::ES256);
    let other = Signer::new("other", Algorithm::ES256);
    let issuer = Issuer::start(Answer::Keys(jwks(&[&signer]))).await;
    let pace = Pace { pause: Duration::ZERO, ..Pace::default() };
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    issuer.answer(Answer::Silence);

    let begun = Instant::now();
    assert!(!service.lets_in(&other.token()).await);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(service.lets_in(&signer.token()).await);

    issuer.answer(Answer::Keys(jwks(&[&signer, &other])));
    let token = other.token();
    eventually("the key", async || service.lets_in(&token).await.then_some(())).await;
}
