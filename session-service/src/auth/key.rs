//! One key, and the algorithms that it is for.

use std::ops::RangeInclusive;

use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, Validation, crypto,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

use super::{bearer::MAX_KEY_ID_BYTES, rules::Claims};

/// Shorter ones can be broken, longer ones the library does not verify with.
const RSA_BITS: RangeInclusive<usize> = 2048..=4096;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// What only its owner may have of a key (RFC 7518, section 6, and the drafts of AKP).
const SECRET_PARTS: [&str; 9] = ["d", "dp", "dq", "k", "oth", "p", "priv", "q", "qi"];

/// The algorithms are the key's: a token only chooses among them.
#[derive(Clone, Debug)]
pub(super) struct Key {
    /// Without one, it is for tokens that name no key that there is.
    pub id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// Why a key is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it is not for signatures")]
    OtherUse,
    #[error("keys of its type are not known here")]
    UnknownType,
    #[error("its algorithm is none for a key of its type")]
    OtherAlgorithm,
    #[error("it has {0} bits; an RSA key must have 2048 to 4096")]
    Size(usize),
    #[error("its id is longer than {MAX_KEY_ID_BYTES} bytes")]
    LongId,
    #[error("its secret part is in it, so that everyone can sign with it")]
    Secret,
    #[error("it is malformed")]
    Malformed(#[from] jsonwebtoken::errors::Error),
    #[error("it is no JWK")]
    NotAKey(#[from] serde_json::Error),
}

impl Key {
    pub(super) fn secret(secret: &str) -> Self {
        let decoding = DecodingKey::from_secret(secret.as_bytes());
        Self { id: None, algorithms: vec![Algorithm::HS256], decoding }
    }

    /// Takes a key as a set lists it; never a secret one, which then everyone knows.
    pub(super) fn listed(listed: &Value) -> Result<Self, Unusable> {
        if SECRET_PARTS.iter().any(|part| listed.get(part).is_some_and(|it| !it.is_null())) {
            return Err(Unusable::Secret);
        }
        let mut listed = listed.clone();
        // The name of RFC 9864, which the library does not know.
        if listed["crv"] == "Ed25519" && listed["alg"] == "Ed25519" {
            listed["alg"] = Value::from("EdDSA");
        }
        Self::public(&serde_json::from_value(listed)?)
    }

    /// Takes a public key.
    pub(super) fn public(jwk: &Jwk) -> Result<Self, Unusable> {
        let common = &jwk.common;
        let signs = common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
        let operations = common.key_operations.as_ref();
        if !signs || !operations.is_none_or(|it| it.contains(&KeyOperations::Verify)) {
            return Err(Unusable::OtherUse);
        }
        if common.key_id.as_ref().is_some_and(|it| it.len() > MAX_KEY_ID_BYTES) {
            return Err(Unusable::LongId);
        }
        let mut algorithms = of_type(&jwk.algorithm)?.to_vec();
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|it| KeyAlgorithm::from(*it) == only);
        }
        let first = *algorithms.first().ok_or(Unusable::OtherAlgorithm)?;
        let decoding = DecodingKey::from_jwk(jwk)?;
        check_size(&decoding)?;
        // The library looks at a point only when there is a signature to be verified.
        crypto::verify("", b"", &decoding, first)?;
        Ok(Self { id: common.key_id.clone(), algorithms, decoding })
    }

    pub(super) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    pub(super) fn open(
        &self,
        token: &str,
        validation: &Validation,
    ) -> Result<Claims, jsonwebtoken::errors::Error> {
        jsonwebtoken::decode(token, &self.decoding, validation).map(|it| it.claims)
    }
}

fn of_type(parameters: &AlgorithmParameters) -> Result<&'static [Algorithm], Unusable> {
    match parameters {
        AlgorithmParameters::RSA(_) => Ok(RSA),
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P256 => {
            Ok(&[Algorithm::ES256])
        }
        AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P384 => {
            Ok(&[Algorithm::ES384])
        }
        AlgorithmParameters::OctetKeyPair(it) if it.curve == EllipticCurve::Ed25519 => {
            Ok(&[Algorithm::EdDSA])
        }
        _ => Err(Unusable::UnknownType),
    }
}

/// The library panics over an Ed25519 key of another size.
fn check_size(key: &DecodingKey) -> Result<(), Unusable> {
    match key.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => {
            let zeros = n.iter().take_while(|it| **it == 0).count();
            let leading = n.get(zeros).map_or(0, |it| it.leading_zeros() as usize);
            let bits = (n.len() - zeros) * 8 - leading;
            if RSA_BITS.contains(&bits) { Ok(()) } else { Err(Unusable::Size(bits)) }
        }
        DecodingKeyKind::SecretOrDer(bytes)
            if key.family() == AlgorithmFamily::Ed && bytes.len() != 32 =>
        {
            Err(Unusable::Malformed(ErrorKind::InvalidEddsaKey.into()))
        }
        DecodingKeyKind::SecretOrDer(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The one of RFC 8037, appendix A.
    const ED25519: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    /// The one of RFC 7515, appendix A.3.
    const P256: [&str; 2] = [
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    ];

    #[track_caller]
    fn check(jwk: Value, expected: &[Algorithm]) {
        let key = Key::listed(&jwk).unwrap();
        assert_eq!(key.algorithms, expected, "{jwk}");
    }

    #[track_caller]
    fn check_unusable(jwk: Value, expected: &str) {
        let error = Key::listed(&jwk).unwrap_err();
        assert!(error.to_string().contains(expected), "{jwk}: {error}");
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    /// A modulus of so many bits.
    fn rsa(bits: usize) -> Value {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let mut n = vec![0xff; bits.div_ceil(8)];
        n[0] >>= n.len() * 8 - bits;
        json!({ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode(n), "e": "AQAB" })
    }

    fn ed25519() -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": ED25519 })
    }

    fn p256() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": P256[0], "y": P256[1] })
    }

    #[test]
    fn a_keys_type_says_its_algorithms() {
        check(rsa(2048), RSA);
        check(p256(), &[Algorithm::ES256]);
        check(ed25519(), &[Algorithm::EdDSA]);
    }

    #[test]
    fn a_keys_algorithm_is_the_only_one_that_it_is_for() {
        check(with(rsa(2048), "alg", json!("PS256")), &[Algorithm::PS256]);
        check_unusable(with(rsa(2048), "alg", json!("HS256")), "its algorithm");
        check_unusable(with(rsa(2048), "alg", json!("RSA-OAEP")), "its algorithm");
        check_unusable(with(p256(), "alg", json!("ES384")), "its algorithm");
    }

    #[test]
    fn an_ed25519_key_may_have_either_name_of_its_algorithm() {
        check(with(ed25519(), "alg", json!("EdDSA")), &[Algorithm::EdDSA]);
        check(with(ed25519(), "alg", json!("Ed25519")), &[Algorithm::EdDSA]);
        check_unusable(with(ed25519(), "alg", json!("Ed448")), "its algorithm");
        check_unusable(with(p256(), "alg", json!("Ed25519")), "its algorithm");
        check_unusable(with(rsa(2048), "alg", json!("Ed25519")), "its algorithm");
    }

    #[test]
    fn a_key_with_its_secret_part_is_not_used() {
        for key in [ed25519(), p256(), rsa(2048)] {
            for part in SECRET_PARTS {
                check_unusable(with(key.clone(), part, json!(ED25519)), "its secret part");
            }
        }
        check(with(ed25519(), "d", json!(null)), &[Algorithm::EdDSA]);
    }

    #[test]
    fn a_key_for_something_else_is_not_used() {
        check(with(ed25519(), "use", json!("sig")), &[Algorithm::EdDSA]);
        check(with(ed25519(), "key_ops", json!(["verify"])), &[Algorithm::EdDSA]);
        check_unusable(with(ed25519(), "use", json!("enc")), "not for signatures");
        check_unusable(with(ed25519(), "key_ops", json!(["sign"])), "not for signatures");
    }

    #[test]
    fn a_secret_key_and_one_of_an_unknown_type_are_not_used() {
        check_unusable(json!({ "kty": "oct", "k": ED25519 }), "its secret part");
        check_unusable(json!({ "kty": "new", "x": ED25519 }), "type");
        check_unusable(with(p256(), "crv", json!("P-521")), "type");
    }

    #[test]
    fn an_rsa_key_that_is_too_short_or_too_long_is_not_used() {
        check(rsa(4096), RSA);
        check_unusable(rsa(2047), "2047 bits");
        check_unusable(rsa(4097), "4097 bits");
        check_unusable(with(rsa(2048), "n", json!("")), "0 bits");
    }

    #[test]
    fn a_key_that_is_none_is_not_used() {
        check_unusable(with(p256(), "y", json!(P256[0])), "malformed");
        check_unusable(with(p256(), "x", json!("AAAA")), "malformed");
        check_unusable(with(ed25519(), "x", json!("AAAA")), "malformed");
        check_unusable(with(ed25519(), "x", json!("not base64!")), "malformed");
        check_unusable(with(ed25519(), "kid", json!("x".repeat(257))), "id");
    }
}
