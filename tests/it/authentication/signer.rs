//! An issuer's keys, and the tokens that it signs with them.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, jwk::Jwk};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use serde_json::{Value, json};

const RSA: &str = include_str!("keys/rsa-2048-for-tests-only.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa-2048-for-tests-only.pub.pem");

pub(super) struct Signer {
    pub id: &'static str,
    pub algorithm: Algorithm,
    pub public_pem: String,
    key: EncodingKey,
}

impl Signer {
    /// A new key of the algorithm's type; for RSA, always the same.
    pub(super) fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let (key, public_pem) = match algorithm {
            Algorithm::ES256 => {
                let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
                (EncodingKey::from_ec_der(&pair.serialize_der()), pair.public_key_pem())
            }
            Algorithm::ES384 => {
                let pair = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
                (EncodingKey::from_ec_der(&pair.serialize_der()), pair.public_key_pem())
            }
            Algorithm::EdDSA => {
                let pair = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
                (EncodingKey::from_ed_der(&pair.serialize_der()), pair.public_key_pem())
            }
            _ => (EncodingKey::from_rsa_pem(RSA.as_bytes()).expect("a key"), RSA_PUBLIC.to_owned()),
        };
        Self { id, algorithm, public_pem, key }
    }

    /// The public key, as issuers publish it.
    pub(super) fn jwk(&self) -> Value {
        let mut jwk = jwk(&self.public_pem);
        jwk["kid"] = json!(self.id);
        jwk
    }

    /// The header of its tokens.
    pub(super) fn header(&self) -> Header {
        Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_with(&self.header(), claims)
    }

    pub(super) fn sign_with(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("claims are valid")
    }

    /// A token that lets in.
    pub(super) fn token(&self) -> String {
        self.sign(&good_claims())
    }
}

pub(super) fn good_claims() -> Value {
    json!({ "sub": "1", "exp": super::LATER })
}

pub(super) fn jwk(public_pem: &str) -> Value {
    let pem = public_pem.as_bytes();
    let key = DecodingKey::from_ec_pem(pem).or_else(|_| DecodingKey::from_ed_pem(pem));
    let key = key.or_else(|_| DecodingKey::from_rsa_pem(pem)).expect("it is a public key");
    let jwk = Jwk::from_decoding_key(&key, None).expect("it has a form as JSON");
    serde_json::to_value(jwk).expect("it has a form as JSON")
}

/// A JWK set of these keys.
pub(super) fn jwks(signers: &[&Signer]) -> String {
    json!({ "keys": signers.iter().map(|it| it.jwk()).collect::<Vec<_>>() }).to_string()
}
