//! Authentication: a bearer token in, a [`Caller`] out.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};
use storage::UserId;
use tokio::time::Instant;
use tonic::Request;

use crate::Error;

/// By how much the issuer's clock and ours may differ.
const LEEWAY_SECONDS: u64 = 5;

/// Who sent the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub user_id: UserId,
}

/// What a token that is good says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verified {
    pub caller: Caller,
    /// When the token is none any more.
    pub expires_at: Instant,
}

impl Caller {
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Error> {
        request.extensions().get().copied().ok_or(Error::Unauthenticated)
    }
}

/// What a token must be.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    pub secret: &'a str,
    pub user_claim: &'a str,
    pub issuer: Option<&'a str>,
    pub audience: Option<&'a str>,
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("user_claim", &self.user_claim).finish_non_exhaustive()
    }
}

/// Lets a request through only with a token that this service's key has signed.
#[derive(Clone)]
pub struct Verifier {
    key: DecodingKey,
    validation: Validation,
    user_claim: String,
}

impl Verifier {
    pub fn new(rules: &Rules<'_>) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if let Some(issuer) = rules.issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = rules.audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Self {
            key: DecodingKey::from_secret(rules.secret.as_bytes()),
            validation,
            user_claim: rules.user_claim.to_owned(),
        }
    }

    /// Reads and checks a request's token. Nothing else in a request says whose it is.
    #[expect(clippy::unused_async, reason = "keys will be fetched")]
    pub(crate) async fn verify(&self, headers: &HeaderMap) -> Option<Verified> {
        let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let token =
            jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.validation).ok()?;
        let user_id = match token.claims.get(&self.user_claim)? {
            Value::String(text) => text.parse().ok()?,
            Value::Number(number) => number.as_i64()?,
            _ => return None,
        };
        let expires_at = expiry(token.claims.get("exp")?.as_f64()?)?;
        let caller = Caller { user_id: UserId(user_id) };
        (user_id > 0).then_some(Verified { caller, expires_at })
    }
}

/// When a token that is good now is none any more. One that lives for longer than a
/// connection may is as good as endless.
fn expiry(exp: f64) -> Option<Instant> {
    const LONG: Duration = Duration::from_secs(30 * 24 * 3600);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let left = Duration::try_from_secs_f64(exp + LEEWAY_SECONDS as f64 - now.as_secs_f64());
    Some(Instant::now() + left.unwrap_or(LONG).min(LONG))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret that is only for these tests";
    const RULES: Rules<'_> =
        Rules { secret: SECRET, user_claim: "sub", issuer: None, audience: None };
    /// In the year 2100.
    const LATER: i64 = 4_102_444_800;

    fn verify(rules: &Rules<'_>, secret: &str, claims: &Value) -> Option<i64> {
        let key = EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), claims, &key).unwrap();
        verify_header(rules, &format!("Bearer {token}"))
    }

    fn verify_header(rules: &Rules<'_>, header: &str) -> Option<i64> {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, header.parse().unwrap())]);
        let verified = futures::executor::block_on(Verifier::new(rules).verify(&headers));
        verified.map(|it| it.caller.user_id.0)
    }

    #[test]
    fn a_token_names_its_user_by_number_or_by_string() {
        assert_eq!(verify(&RULES, SECRET, &json!({ "sub": "7", "exp": LATER })), Some(7));
        assert_eq!(verify(&RULES, SECRET, &json!({ "sub": 7, "exp": LATER })), Some(7));
    }

    #[test]
    fn a_user_must_be_a_positive_integer() {
        for sub in [json!("0"), json!("-1"), json!("seven"), json!(1.5), json!(null), json!("")] {
            let claims = json!({ "sub": sub, "exp": LATER });
            assert_eq!(verify(&RULES, SECRET, &claims), None, "{sub}");
        }
        assert_eq!(verify(&RULES, SECRET, &json!({ "exp": LATER })), None);
    }

    #[test]
    fn a_token_that_is_expired_early_endless_or_forged_is_refused() {
        assert_eq!(verify(&RULES, SECRET, &json!({ "sub": "7", "exp": 1_000_000 })), None);
        let early = json!({ "sub": "7", "exp": LATER, "nbf": LATER - 1 });
        assert_eq!(verify(&RULES, SECRET, &early), None);
        assert_eq!(verify(&RULES, SECRET, &json!({ "sub": "7" })), None);
        let other = "another secret of about the same length";
        assert_eq!(verify(&RULES, other, &json!({ "sub": "7", "exp": LATER })), None);
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        // {"alg":"none"} . {"sub":"7","exp":4102444800} . no signature
        let unsigned = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwfQ.";
        assert_eq!(verify_header(&RULES, unsigned), None);
    }

    #[test]
    fn another_scheme_or_no_token_is_refused() {
        for header in ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "7"] {
            assert_eq!(verify_header(&RULES, header), None, "{header}");
        }
    }

    #[test]
    fn another_issuer_or_audience_is_refused() {
        let rules = Rules { issuer: Some("us"), audience: Some("tertulia"), ..RULES };
        let check = |claims: Value, expected| {
            assert_eq!(verify(&rules, SECRET, &claims), expected, "{claims}");
        };

        check(json!({ "sub": "7", "exp": LATER, "iss": "us", "aud": "tertulia" }), Some(7));
        check(json!({ "sub": "7", "exp": LATER, "iss": "them", "aud": "tertulia" }), None);
        check(json!({ "sub": "7", "exp": LATER, "iss": "us", "aud": "others" }), None);
        check(json!({ "sub": "7", "exp": LATER }), None);
    }

    #[test]
    fn the_user_can_be_in_another_claim() {
        let rules = Rules { user_claim: "user_id", ..RULES };
        let claims = json!({ "sub": "someone", "user_id": 9, "exp": LATER });
        assert_eq!(verify(&rules, SECRET, &claims), Some(9));
    }
}
