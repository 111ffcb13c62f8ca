//! Which keys verify which tokens.

use std::path::PathBuf;

use jsonwebtoken::{Algorithm, Header};
use serde_json::json;
use session_service::auth::{Pace, Rules, Source, Verifier};
use tempfile::TempDir;

use super::{
    guarded::Guarded,
    signer::{Signer, good_claims, jwk, jwks},
};
use crate::harness::Harness;

const SHORT_RSA: &str = include_str!("keys/rsa-1024-for-tests-only.pub.pem");

/// One for each algorithm, each named after it.
fn signers() -> [Signer; 9] {
    [
        Signer::new("rs256", Algorithm::RS256),
        Signer::new("rs384", Algorithm::RS384),
        Signer::new("rs512", Algorithm::RS512),
        Signer::new("ps256", Algorithm::PS256),
        Signer::new("ps384", Algorithm::PS384),
        Signer::new("ps512", Algorithm::PS512),
        Signer::new("es256", Algorithm::ES256),
        Signer::new("es384", Algorithm::ES384),
        Signer::new("ed25519", Algorithm::EdDSA),
    ]
}

pub(super) fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("keys");
    std::fs::write(&path, text).expect("a file");
    (folder, path)
}

#[tokio::test]
async fn a_token_of_each_algorithm_lets_in_with_a_key_of_its_set() {
    let harness = Harness::without_worker().await;
    let signers = signers();
    let (_folder, set) = file(&jwks(&signers.each_ref()));
    let service = Guarded::with(&harness, Source::JwksFile(set)).await;

    for signer in &signers {
        let unnamed = Header { kid: None, ..signer.header() };
        let misnamed = Header { kid: Some("ed25519".to_owned()), ..signer.header() };
        let is_misnamed = signer.id != "ed25519";

        assert!(service.lets_in(&signer.token()).await, "{}", signer.id);
        assert!(service.lets_in(&signer.sign_with(&unnamed, &good_claims())).await);
        let token = signer.sign_with(&misnamed, &good_claims());
        assert_ne!(service.lets_in(&token).await, is_misnamed, "{}", signer.id);
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_lets_in_with_a_key_of_the_pem_file() {
    let harness = Harness::without_worker().await;
    let signers = signers();
    // The first six are of one key.
    let pem: Vec<_> = signers[5..].iter().map(|it| it.public_pem.as_str()).collect();
    let (_folder, keys) = file(&format!("our keys:\n{}", pem.concat()));
    let service = Guarded::with(&harness, Source::PublicKeysFile(keys)).await;

    for signer in &signers {
        let named = Header { kid: Some("any".to_owned()), ..signer.header() };

        assert!(service.lets_in(&signer.token()).await, "{}", signer.id);
        assert!(service.lets_in(&signer.sign_with(&named, &good_claims())).await);
    }
    for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA] {
        assert!(!service.lets_in(&Signer::new("other", algorithm).token()).await);
    }
}

#[tokio::test]
async fn a_key_is_only_for_what_its_set_says() {
    let harness = Harness::without_worker().await;
    let [rs256, .., ps256, _, _, es256, es384, eddsa] = &signers();
    let given_away = Signer::new("given away", Algorithm::ES256);
    let mut narrow = rs256.jwk();
    narrow["alg"] = json!("PS512");
    narrow["kid"] = json!("ps512");
    let mut encrypts = es256.jwk();
    encrypts["use"] = json!("enc");
    let mut private = given_away.jwk();
    private["d"] = json!("c2VjcmV0");
    let mut newly_named = eddsa.jwk();
    newly_named["alg"] = json!("Ed25519");
    let secret = json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" });
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AAAA" });
    let keys = [narrow, encrypts, private, secret, unknown, newly_named, es384.jwk()];
    let (_folder, set) = file(&json!({ "keys": keys }).to_string());
    let service = Guarded::with(&harness, Source::JwksFile(set)).await;

    let named = |signer: &Signer, id: &str| {
        signer.sign_with(&Header { kid: Some(id.to_owned()), ..signer.header() }, &good_claims())
    };
    let hs256 = Header { kid: Some("secret".to_owned()), ..Header::new(Algorithm::HS256) };
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let by_secret = jsonwebtoken::encode(&hs256, &good_claims(), &secret).unwrap();

    assert!(service.lets_in(&eddsa.token()).await);
    assert!(service.lets_in(&named(&Signer::new("", Algorithm::PS512), "ps512")).await);
    for token in [
        named(rs256, "ps512"),
        named(ps256, "ps512"),
        es256.token(),
        given_away.token(),
        by_secret,
        named(eddsa, "es384"),
    ] {
        assert!(!service.lets_in(&token).await, "{token}");
    }
}

#[tokio::test]
async fn an_rsa_key_that_is_too_short_is_passed_over_in_a_set_and_refused_as_pem() {
    let rsa = Signer::new("rsa", Algorithm::RS256);
    let short_only = json!({ "keys": [jwk(SHORT_RSA)] }).to_string();
    let both = json!({ "keys": [jwk(SHORT_RSA), rsa.jwk()] }).to_string();
    let verifier = |source| Verifier::new(source, Rules::default(), Pace::default());
    let (_a, short_only) = file(&short_only);
    let (_b, both) = file(&both);
    let (_c, pem) = file(&format!("{}{SHORT_RSA}", rsa.public_pem));

    verifier(Source::JwksFile(both)).unwrap();
    verifier(Source::JwksFile(short_only)).unwrap_err();
    let error = verifier(Source::PublicKeysFile(pem)).unwrap_err();

    let error = format!("{error:#}");
    assert!(error.contains("public key 2") && error.contains("1024 bits"), "{error}");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused() {
    let rsa = Signer::new("rsa", Algorithm::RS256);
    let private = include_str!("keys/rsa-2048-for-tests-only.pem");
    let cut = rsa.public_pem.replace("-----END PUBLIC KEY-----", "");
    for pem in ["", "keys", private, &cut, &jwks(&[&rsa]), &rsa.public_pem.repeat(9)] {
        let (_folder, path) = file(pem);
        let source = Source::PublicKeysFile(path);
        Verifier::new(source, Rules::default(), Pace::default()).expect_err(pem);
    }
    for set in ["", "[]", "{}", r#"{"keys": []}"#, &rsa.public_pem, &" ".repeat(300_000)] {
        let (_folder, path) = file(set);
        let source = Source::JwksFile(path);
        Verifier::new(source, Rules::default(), Pace::default()).expect_err(set);
    }
}
