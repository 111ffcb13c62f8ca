//! Keys that come and go while the service runs.

use std::time::Duration;

use futures::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use session_service::auth::{Pace, Rules, Source};
use tokio::time::Instant;

use super::{
    LATER,
    forgeries::encoded,
    guarded::Guarded,
    issuer::{Answer, Issuer},
    kinds::file,
    signer::{Signer, jwks},
};
use crate::harness::{Harness, eventually};

fn keys(signers: &[&Signer]) -> Answer {
    Answer::Keys(jwks(signers))
}

/// Without a pause between two readings, so that each unknown key is asked for.
fn eager() -> Pace {
    Pace { pause: Duration::ZERO, ..Pace::default() }
}

#[tokio::test]
async fn a_new_key_is_fetched_for_its_first_token_and_the_one_before_is_gone_then() {
    let harness = Harness::without_worker().await;
    let old = Signer::new("old", Algorithm::ES256);
    let new = Signer::new("new", Algorithm::EdDSA);
    let issuer = Issuer::start(keys(&[&old])).await;
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), eager()).await;
    let token = old.token();
    assert!(service.lets_in(&token).await);

    issuer.answer(keys(&[&old, &new]));
    assert!(service.lets_in(&new.token()).await);
    assert!(service.lets_in(&token).await);

    issuer.answer(keys(&[&new]));
    assert!(!service.lets_in(&Signer::new("third", Algorithm::ES256).token()).await);
    for token in [token, old.token()] {
        assert!(!service.lets_in(&token).await, "a token that was let in before is none any more");
    }
    assert!(service.lets_in(&new.token()).await);
}

#[tokio::test]
async fn keys_are_fetched_again_without_being_asked_for() {
    let harness = Harness::without_worker().await;
    let old = Signer::new("same", Algorithm::ES256);
    let new = Signer::new("same", Algorithm::ES256);
    let issuer = Issuer::start(keys(&[&old])).await;
    let often = Duration::from_millis(50);
    let pace = Pace { fetch_every: often, holding: often..=often, ..Pace::default() };
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    assert!(service.lets_in(&old.token()).await);

    issuer.answer(keys(&[&new]));

    let token = new.token();
    eventually("the new key", async || service.lets_in(&token).await.then_some(())).await;
    assert!(!service.lets_in(&old.token()).await);
}

#[tokio::test]
async fn a_file_is_read_again_when_it_changes() {
    let harness = Harness::without_worker().await;
    let old = Signer::new("old", Algorithm::ES256);
    let new = Signer::new("new", Algorithm::ES256);
    let (_set_folder, set) = file(&jwks(&[&old]));
    let (_pem_folder, pem) = file(&old.public_pem);
    let pace = || Pace { look_every: Duration::from_millis(50), ..Pace::default() };

    for (source, path, text) in [
        (Source::JwksFile(set.clone()), set, jwks(&[&new])),
        (Source::PublicKeysFile(pem.clone()), pem, new.public_pem.clone()),
    ] {
        let service = Guarded::start(&harness, source, Rules::default(), pace()).await;
        let before = old.token();
        assert!(service.lets_in(&before).await);
        std::fs::write(path, text).unwrap();

        let token = new.token();
        eventually("the new key", async || service.lets_in(&token).await.then_some(())).await;
        assert!(!service.lets_in(&before).await);
    }
}

/// Sends so many tokens at once, each of another key that there is not. Returns how long
/// each waited to be refused.
async fn flood(service: &Guarded, known: &Signer, count: usize) -> Vec<Duration> {
    let good = known.token();
    let (_, rest) = good.split_once('.').expect("a token has a header");
    let begun = Instant::now();
    let refused = (0..count).map(|number| {
        let header = json!({ "alg": "ES256", "kid": format!("unknown {number}") });
        let token = format!("{}.{rest}", encoded(&header));
        async move {
            assert!(!service.lets_in(&token).await);
            begun.elapsed()
        }
    });
    join_all(refused).await
}

#[tokio::test]
async fn a_flood_of_unknown_keys_asks_the_issuer_once_in_a_while() {
    let harness = Harness::without_worker().await;
    let known = Signer::new("known", Algorithm::ES256);
    let issuer = Issuer::start(keys(&[&known])).await;
    let pause = Duration::from_millis(500);
    let pace = Pace { pause, ..Pace::default() };
    let begun = Instant::now();
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    assert_eq!(issuer.asked(), 1);

    while begun.elapsed() < 6 * pause {
        flood(&service, &known, 100).await;
    }

    assert!(service.lets_in(&known.token()).await);
    let most = 1 + begun.elapsed().div_duration_f64(pause) as usize;
    assert!((3..=most).contains(&issuer.asked()), "{} of {most}", issuer.asked());
}

#[tokio::test]
async fn a_flood_of_unknown_keys_does_not_wait_as_a_whole() {
    let harness = Harness::without_worker().await;
    let known = Signer::new("known", Algorithm::ES256);
    let issuer = Issuer::start(keys(&[&known])).await;
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), eager()).await;
    issuer.answer(Answer::Silence);

    let waited = flood(&service, &known, 400).await;

    let patient = waited.iter().filter(|it| Duration::from_secs(3) <= **it).count();
    assert_eq!((patient, waited.len() - patient), (256, 144));
    assert!(service.lets_in(&known.token()).await);
}

#[tokio::test]
async fn those_who_wait_for_a_key_share_one_reading() {
    let harness = Harness::without_worker().await;
    let old = Signer::new("old", Algorithm::ES256);
    let new = Signer::new("new", Algorithm::ES256);
    let issuer = Issuer::start(keys(&[&old])).await;
    let pace = Pace { pause: Duration::from_secs(1), ..Pace::default() };
    let service = Guarded::start(&harness, issuer.source(), Rules::default(), pace).await;
    issuer.answer(keys(&[&old, &new]));

    let token = new.token();
    let let_in = join_all((0..50).map(|_| service.lets_in(&token))).await;

    assert!(let_in.iter().all(|it| *it), "{let_in:?}");
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn tokens_of_the_secret_before_are_good_until_it_is_taken_away() {
    let harness = Harness::without_worker().await;
    let [old, new, other] = ["old", "new", "other"].map(|it| it.repeat(11));
    let secrets = |secrets: &[&String]| {
        let secrets = secrets.iter().map(|it| it.parse().expect("it is not empty"));
        Source::Secrets(secrets.collect())
    };
    let both = Guarded::with(&harness, secrets(&[&new, &old])).await;
    let after = Guarded::with(&harness, secrets(&[&new])).await;

    for (secret, is_good) in [(&old, [true, false]), (&new, [true, true]), (&other, [false; 2])] {
        let token = signed(secret);
        assert_eq!([both.lets_in(&token).await, after.lets_in(&token).await], is_good, "{secret}");
    }
}

fn signed(secret: &str) -> String {
    let claims = json!({ "sub": "1", "exp": LATER });
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::default(), &claims, &key).expect("it can be signed")
}
