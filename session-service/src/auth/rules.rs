//! What a token whose signature is good must say.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value};
use storage::UserId;
use tokio::time::Instant;

use super::{Caller, Refusal, Verified};

pub(super) type Claims = Map<String, Value>;

/// What a token says, at whatever time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub caller: Caller,
    /// When it ends, by its issuer's clock.
    pub exp: f64,
}

#[derive(Clone, Debug)]
pub struct Rules {
    /// The claim that names the user; `sub` must be there besides.
    pub user_claim: String,
    /// Any if empty.
    pub issuers: Vec<String>,
    /// If empty, tokens must name none.
    pub audiences: Vec<String>,
    /// By how much the issuer's clock and ours may differ.
    pub leeway: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        let leeway = Duration::from_secs(5);
        Self { user_claim: "sub".to_owned(), issuers: vec![], audiences: vec![], leeway }
    }
}

impl Rules {
    pub(super) fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = self.leeway.as_secs();
        validation.validate_nbf = true;
        let mut required = vec!["exp"];
        if !self.issuers.is_empty() {
            validation.set_issuer(&self.issuers);
            required.push("iss");
        }
        if !self.audiences.is_empty() {
            validation.set_audience(&self.audiences);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        validation
    }

    /// Reads what the validation has let through.
    pub(super) fn read(&self, claims: &Claims) -> Result<Named, Refusal> {
        let subject = match claims.get("sub") {
            Some(Value::String(text)) => !text.is_empty(),
            subject => subject.is_some_and(Value::is_number),
        };
        // The library lets audiences pass that are neither text nor a list of texts.
        if self.audiences.is_empty() && claims.get("aud").is_some_and(|it| !it.is_null()) {
            return Err(Refusal::ForOthers);
        }
        let user_id = claims.get(&self.user_claim).and_then(user_id).filter(|_| subject);
        let caller = Caller { user_id: user_id.ok_or(Refusal::NoUser)? };
        let exp = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::Expired)?;
        Ok(Named { caller, exp })
    }

    /// What the token is good for now.
    pub(super) fn verified(&self, Named { caller, exp }: Named) -> Result<Verified, Refusal> {
        let expires_at = self.expiry(exp).ok_or(Refusal::Expired)?;
        Ok(Verified { caller, expires_at })
    }

    /// When a token is none any more; `None` if that is now. One that lives for longer
    /// than a connection may is as good as endless.
    fn expiry(&self, exp: f64) -> Option<Instant> {
        const LONG: Duration = Duration::from_secs(30 * 24 * 3600);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        let left = exp + self.leeway.as_secs_f64() - now.as_secs_f64();
        (left > 0.0).then(|| Instant::now() + Duration::from_secs_f64(left.min(LONG.as_secs_f64())))
    }
}

/// Only as it is usually written: what an issuer takes for two names must not be one user.
fn user_id(claim: &Value) -> Option<UserId> {
    let id = match claim {
        Value::String(text) => text.parse().ok().filter(|id: &i64| id.to_string() == *text)?,
        Value::Number(number) => number.as_i64()?,
        _ => return None,
    };
    (id > 0).then_some(UserId(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> f64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap().as_secs_f64()
    }

    #[track_caller]
    fn check_user(user_claim: &str, claims: Value, expected: Option<i64>) {
        let rules = Rules { user_claim: user_claim.to_owned(), ..Rules::default() };
        let mut claims = claims.as_object().unwrap().clone();
        claims.insert("exp".to_owned(), json!(now() + 60.0));
        let user_id = rules.read(&claims).ok().map(|it| it.caller.user_id.0);
        assert_eq!(user_id, expected, "{claims:?}");
    }

    #[test]
    fn a_token_names_its_user_by_number_or_by_string() {
        check_user("sub", json!({ "sub": "7" }), Some(7));
        check_user("sub", json!({ "sub": 7 }), Some(7));
    }

    #[test]
    fn a_user_must_be_a_positive_integer() {
        for sub in [json!("0"), json!("-1"), json!("seven"), json!(1.5), json!(null), json!("")] {
            check_user("sub", json!({ "sub": sub }), None);
        }
        check_user("sub", json!({}), None);
    }

    #[test]
    fn a_user_is_written_in_one_way_only() {
        for sub in ["+7", "07", "0000007", "7.0", "7e0", "0x7", " 7", "7 ", "7\n", "７"] {
            check_user("sub", json!({ "sub": sub }), None);
        }
        for sub in ["7.0", "7e0", "0.7e1", "-7", "9223372036854775808"] {
            let claims = serde_json::from_str(&format!(r#"{{"sub":{sub}}}"#)).unwrap();
            check_user("sub", claims, None);
        }
    }

    #[test]
    fn a_token_may_name_no_audience_unless_some_are_ours() {
        let read = |rules: Rules, aud: &Value| {
            let claims = json!({ "sub": "7", "exp": now() + 60.0, "aud": aud });
            rules.read(claims.as_object().unwrap()).is_ok()
        };
        let ours = Rules { audiences: vec!["tertulia".to_owned()], ..Rules::default() };
        for aud in [json!("others"), json!(["others"]), json!([]), json!(7), json!({}), json!("")] {
            assert!(!read(Rules::default(), &aud), "{aud}");
        }
        assert!(read(Rules::default(), &Value::Null));
        assert!(read(ours, &json!("tertulia")));
    }

    #[test]
    fn the_user_can_be_in_another_claim_but_the_subject_must_be_there() {
        check_user("user_id", json!({ "sub": "someone", "user_id": 9 }), Some(9));
        check_user("user_id", json!({ "user_id": 9 }), None);
        check_user("user_id", json!({ "sub": "", "user_id": 9 }), None);
        check_user("user_id", json!({ "sub": null, "user_id": 9 }), None);
        check_user("user_id", json!({ "sub": "9" }), None);
    }

    #[test]
    fn a_token_ends_when_it_says_and_the_leeway_has_passed() {
        let rules = Rules::default();
        let left = |exp: f64| Some(rules.expiry(exp)?.duration_since(Instant::now()));

        let ten = left(now() + 5.0).unwrap();
        assert!(ten > Duration::from_secs(9) && ten <= Duration::from_secs(10), "{ten:?}");
        assert!(left(now() - 4.0).unwrap() <= Duration::from_secs(1));
        assert_eq!(left(now() - 5.001), None);
        assert_eq!(left(f64::MIN), None);
        assert!(left(f64::MAX).unwrap() > Duration::from_secs(29 * 24 * 3600));
    }
}
