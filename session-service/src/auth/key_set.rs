//! The keys that there are, and which of them a token is tried with.

use bootstrap::report;
use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::{
    accepted::Accepted,
    key::{Key, Unusable},
    pem,
};

/// How many keys a set may have. Issuers have two or three.
const MAX_KEYS: usize = 100;

/// With how many keys a token is tried that does not name one.
const MAX_TRIES: usize = 8;

#[derive(Debug, Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
    accepted: Accepted,
}

/// Why there are no keys in a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum Invalid {
    #[error("it is not JSON")]
    NotJson(#[from] serde_json::Error),
    #[error("it is no JWK set: it has no list `keys`")]
    NoList,
    #[error("it has more than {MAX_KEYS} keys")]
    TooMany,
    #[error(transparent)]
    Pem(#[from] pem::Invalid),
    #[error("it has {0} public keys; one to {MAX_TRIES} are expected")]
    Count(usize),
}

impl KeySet {
    fn new(keys: Vec<Key>) -> Self {
        Self { keys, accepted: Accepted::default() }
    }

    /// Secrets have no names, so that any may be a token's.
    pub(super) fn secrets<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        Self::new(secrets.map(Key::secret).collect())
    }

    /// Reads a JWK set. Keys in it that can't be used are passed over.
    pub(super) fn jwks(document: &[u8]) -> Result<Self, Invalid> {
        let document: Value = serde_json::from_slice(document)?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or(Invalid::NoList)?;
        if listed.len() > MAX_KEYS {
            return Err(Invalid::TooMany);
        }
        let keys = listed.iter().enumerate();
        Ok(Self::new(keys.filter_map(|(index, listed)| usable(index, listed)).collect()))
    }

    /// Reads public keys as PEM. They have no names, so that any may be a token's.
    pub(super) fn pem(document: &[u8]) -> Result<Self, Invalid> {
        let keys = pem::keys(document)?;
        if !(1..=MAX_TRIES).contains(&keys.len()) {
            return Err(Invalid::Count(keys.len()));
        }
        Ok(Self::new(keys))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The tokens that were verified with these keys.
    pub(super) fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Whether there is a key that a token may be of that names this one.
    pub(super) fn knows(&self, id: Option<&str>) -> bool {
        self.of(id).next().is_some()
    }

    /// The keys to try a token with.
    pub(super) fn candidates(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &Key> {
        self.of(id).filter(move |key| key.is_for(algorithm)).take(MAX_TRIES)
    }

    /// The keys of that name; if there are none, those without a name. Without a name
    /// asked for, all.
    fn of(&self, id: Option<&str>) -> impl Iterator<Item = &Key> {
        let is_there = self.keys.iter().any(|key| key.id.as_deref() == id);
        let wanted = id.filter(|_| is_there);
        self.keys.iter().filter(move |key| id.is_none() || key.id.as_deref() == wanted)
    }
}

fn usable(index: usize, listed: &Value) -> Option<Key> {
    let key = Key::listed(listed);
    let told = |error: &Unusable| {
        tracing::warn!(index, error = %report(error), "a key of the JWK set is not used");
    };
    key.inspect_err(told).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn ed25519(id: Option<&str>) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": X, "kid": id })
    }

    fn set(keys: &[Value]) -> KeySet {
        KeySet::jwks(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(set: &KeySet, id: Option<&str>, expected: &[Option<&str>]) {
        let found: Vec<_> =
            set.candidates(id, Algorithm::EdDSA).map(|it| it.id.as_deref()).collect();
        assert_eq!(found, expected);
        assert_eq!(set.knows(id), !expected.is_empty());
        assert_eq!(set.candidates(id, Algorithm::ES256).count(), 0);
        assert_eq!(set.candidates(id, Algorithm::HS256).count(), 0);
    }

    #[test]
    fn a_token_that_names_a_key_is_tried_with_that_one_only() {
        let set = set(&[ed25519(Some("a")), ed25519(Some("b"))]);

        check(&set, Some("b"), &[Some("b")]);
        check(&set, Some("c"), &[]);
        check(&set, Some(""), &[]);
        check(&set, None, &[Some("a"), Some("b")]);
    }

    #[test]
    fn keys_without_a_name_are_for_tokens_that_name_no_other() {
        let set = set(&[ed25519(Some("a")), ed25519(None)]);

        check(&set, Some("a"), &[Some("a")]);
        check(&set, Some("c"), &[None]);
    }

    #[test]
    fn a_token_without_a_name_is_tried_with_a_few_keys() {
        let set = set(&vec![ed25519(Some("a")); 20]);
        assert_eq!(set.candidates(None, Algorithm::EdDSA).count(), MAX_TRIES);
    }

    #[test]
    fn what_is_not_a_key_for_us_is_passed_over() {
        let others = [
            json!({ "kty": "oct", "k": X, "kid": "a" }),
            json!({ "kty": "new", "kid": "a" }),
            json!({ "kid": 7 }),
            json!("a"),
            json!(null),
        ];
        let mut keys = others.to_vec();
        keys.insert(2, ed25519(Some("b")));

        let set = set(&keys);

        check(&set, None, &[Some("b")]);
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let many = json!({ "keys": vec![ed25519(None); MAX_KEYS + 1] }).to_string();
        for document in ["", "<html>", "[]", "{}", r#"{"keys": {}}"#, many.as_str()] {
            KeySet::jwks(document.as_bytes()).unwrap_err();
        }
    }
}
