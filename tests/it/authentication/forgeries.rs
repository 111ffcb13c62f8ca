//! Tokens that someone made who may not, or for something else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use session_service::auth::{Pace, Rules, Source};

use super::{
    LATER,
    guarded::Guarded,
    kinds::file,
    signer::{Signer, good_claims, jwks},
};
use crate::harness::Harness;

pub(super) fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A token with these parts, signed by the secret.
fn by_secret(header: &Header, secret: &[u8]) -> String {
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(header, &good_claims(), &key).expect("claims are valid")
}

/// Tokens that take a public key for a secret.
fn confused(rsa: &Signer) -> Vec<String> {
    let jwk = rsa.jwk();
    let n = jwk["n"].as_str().expect("the modulus");
    let raw = URL_SAFE_NO_PAD.decode(n).expect("base64");
    let mut tokens = Vec::new();
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for kid in [None, Some(rsa.id.to_owned())] {
            let header = Header { kid, ..Header::new(algorithm) };
            for secret in [rsa.public_pem.as_bytes(), rsa.public_pem.trim().as_bytes()] {
                tokens.push(by_secret(&header, secret));
            }
            tokens.push(by_secret(&header, n.as_bytes()));
            tokens.push(by_secret(&header, &raw));
            tokens.push(by_secret(&header, jwk.to_string().as_bytes()));
        }
    }
    tokens
}

/// Tokens without a signature that counts.
fn unsigned(rsa: &Signer) -> Vec<String> {
    let claims = encoded(&good_claims());
    let good = rsa.token();
    let (message, signature) = good.rsplit_once('.').expect("a token has a signature");
    let (header, _) = message.split_once('.').expect("a token has claims");
    let other_user = encoded(&json!({ "sub": "2", "exp": LATER }));
    let mut tokens = vec![
        good.replace(signature, ""),
        message.to_owned(),
        format!("{header}.{other_user}.{signature}"),
        format!("{message}.{}", signature.chars().rev().collect::<String>()),
        format!("{good}.{signature}"),
        format!("{good}=="),
        // As an encrypted one (JWE), which has five parts.
        format!("{header}.{claims}.{claims}.{claims}.{signature}"),
    ];
    for algorithm in ["none", "None", "NONE", "", "RS1", "ES256K", "dir"] {
        let header = encoded(&json!({ "alg": algorithm, "typ": "JWT", "kid": rsa.id }));
        tokens.push(format!("{header}.{claims}."));
        tokens.push(format!("{header}.{claims}.{signature}"));
    }
    tokens
}

/// Tokens of a key that they bring along.
fn self_made(rsa: &Signer) -> Vec<String> {
    let own = Signer::new(rsa.id, Algorithm::ES256);
    let jwk = serde_json::from_value(own.jwk()).expect("a JWK");
    let url = "http://127.0.0.1:9/keys".to_owned();
    let header = own.header();
    [
        Header { jwk: Some(jwk), ..header.clone() },
        Header { jku: Some(url.clone()), ..header.clone() },
        Header { x5u: Some(url), ..header.clone() },
        Header { x5c: Some(vec!["AAAA".to_owned()]), ..header.clone() },
        Header { kid: Some("../keys".to_owned()), ..header.clone() },
        Header { kid: None, ..header.clone() },
        header,
    ]
    .iter()
    .map(|header| own.sign_with(header, &good_claims()))
    .collect()
}

/// Tokens that are signed well, and still are not good.
fn unfit(rsa: &Signer) -> Vec<String> {
    let now = chrono::Utc::now().timestamp();
    let claims = [
        json!({ "sub": "1" }),
        json!({ "sub": "1", "exp": now - 6 }),
        json!({ "sub": "1", "exp": -1 }),
        json!({ "sub": "1", "exp": LATER.to_string() }),
        json!({ "sub": "1", "exp": null }),
        json!({ "sub": "1", "exp": LATER, "nbf": now + 30 }),
        json!({ "sub": "1", "exp": LATER, "nbf": "now" }),
        json!({ "sub": "1", "exp": LATER, "aud": "others" }),
        json!({ "sub": "1", "exp": LATER, "aud": [] }),
        json!({ "sub": "1", "exp": LATER, "aud": 7 }),
        json!({ "sub": "1", "exp": LATER, "aud": {} }),
        json!({ "sub": "+1", "exp": LATER }),
        json!({ "sub": "01", "exp": LATER }),
        json!({ "sub": 1.0, "exp": LATER }),
        json!({ "exp": LATER }),
        json!({ "sub": "", "exp": LATER }),
        json!({ "sub": ["1"], "exp": LATER }),
        json!([]),
        json!("1"),
    ];
    let mut tokens: Vec<_> = claims.iter().map(|it| rsa.sign(it)).collect();
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..rsa.header() };
    let long_id = Header { kid: Some("k".repeat(300)), ..rsa.header() };
    tokens.extend([&critical, &long_id].map(|it| rsa.sign_with(it, &good_claims())));
    tokens.extend([8, 20, 60].map(|kib| oversized(rsa, kib)));
    tokens
}

/// A token of somewhat more than so many KiB, good but for that.
fn oversized(rsa: &Signer, kib: usize) -> String {
    let more = "x".repeat(kib * 1024 / 4 * 3);
    rsa.sign(&json!({ "sub": "1", "exp": LATER, "more": more }))
}

#[tokio::test]
async fn every_forged_token_is_refused_alike() {
    let harness = Harness::without_worker().await;
    let rsa = Signer::new("rsa", Algorithm::RS256);
    let (_folder, set) = file(&jwks(&[&rsa]));
    let (_pem_folder, pem) = file(&rsa.public_pem);
    let tokens = [confused(&rsa), unsigned(&rsa), self_made(&rsa), unfit(&rsa)].concat();

    for source in [Source::JwksFile(set), Source::PublicKeysFile(pem)] {
        let service = Guarded::with(&harness, source).await;
        assert!(service.lets_in(&rsa.token()).await);
        for token in &tokens {
            assert!(!service.lets_in(token).await, "{token}");
        }
    }
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_changes_nothing() {
    let harness = Harness::without_worker().await;
    let rsa = Signer::new("rsa", Algorithm::RS256);
    let (_folder, set) = file(&jwks(&[&rsa]));
    let service = Guarded::with(&harness, Source::JwksFile(set)).await;
    let other = Signer::new("other", Algorithm::ES256);
    let jwk = serde_json::from_value(other.jwk()).expect("a JWK");
    let url = Some("http://127.0.0.1:9/keys".to_owned());

    let header = Header { jwk: Some(jwk), jku: url.clone(), x5u: url, ..rsa.header() };

    assert!(service.lets_in(&rsa.sign_with(&header, &good_claims())).await);
}

#[tokio::test]
async fn a_token_must_name_an_issuer_and_an_audience_of_ours() {
    let harness = Harness::without_worker().await;
    let ed = Signer::new("ed", Algorithm::EdDSA);
    let (_folder, set) = file(&jwks(&[&ed]));
    let rules = Rules {
        issuers: vec!["us".to_owned(), "also us".to_owned()],
        audiences: vec!["tertulia".to_owned(), "chat".to_owned()],
        ..Rules::default()
    };
    let service = Guarded::start(&harness, Source::JwksFile(set), rules, Pace::default()).await;

    for (iss, aud, expected) in [
        (json!("us"), json!("tertulia"), true),
        (json!("also us"), json!(["others", "chat"]), true),
        (json!("them"), json!("tertulia"), false),
        (json!("us"), json!("others"), false),
        (json!("us"), json!(["others"]), false),
        (json!("us"), json!([]), false),
        (json!("us"), json!(null), false),
        (json!(null), json!("tertulia"), false),
        (json!(7), json!("tertulia"), false),
    ] {
        let token = ed.sign(&json!({ "sub": "1", "exp": LATER, "iss": iss, "aud": aud }));
        assert_eq!(service.lets_in(&token).await, expected, "{iss} {aud}");
    }
}
