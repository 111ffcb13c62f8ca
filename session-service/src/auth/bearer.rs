//! A request's token, as it stands in the header.

use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::Header;

use super::Refusal;

/// Longer ones are not looked into. Those of the large issuers have 1 to 2 KiB.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How long the name of a key may be, in a token and in a key set.
pub(super) const MAX_KEY_ID_BYTES: usize = 256;

/// The one token that a request bears. Of two, a proxy before us may have looked at
/// the other.
pub(super) fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Refusal::NotOneToken);
    };
    let value = value.to_str().map_err(|_| Refusal::NotOneToken)?;
    match value.split_once(' ') {
        Some((_, token)) if token.len() > MAX_TOKEN_BYTES => Err(Refusal::TooLong),
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Refusal::NotOneToken),
    }
}

/// The token's own header. Of what it says, the key's name and the algorithm are used,
/// and these only to choose among the keys that there are.
pub(super) fn header(token: &str) -> Result<Header, Refusal> {
    let header = jsonwebtoken::decode_header(token)?;
    if header.crit.is_some() {
        return Err(Refusal::Critical);
    }
    match &header.kid {
        Some(id) if id.len() > MAX_KEY_ID_BYTES => Err(Refusal::TooLong),
        _ => Ok(header),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], expected: Option<&str>) {
        let values = values.iter().map(|it| (AUTHORIZATION, it.parse().unwrap()));
        let mut headers = HeaderMap::new();
        values.for_each(|(name, value)| {
            headers.append(name, value);
        });
        assert_eq!(token(&headers).ok(), expected);
    }

    #[test]
    fn one_bearer_token_is_taken_whatever_the_schemes_case() {
        check(&["Bearer a.b.c"], Some("a.b.c"));
        check(&["bEARER a.b.c"], Some("a.b.c"));
    }

    #[test]
    fn no_token_another_scheme_and_two_tokens_are_refused() {
        check(&[], None);
        for value in ["", "Bearer", "Basic dXNlcjpwYXNz", "7", "Bearer\ta.b.c"] {
            check(&[value], None);
        }
        check(&["Bearer a.b.c", "Bearer a.b.c"], None);
        check(&["Basic dXNlcjpwYXNz", "Bearer a.b.c"], None);
    }

    #[test]
    fn a_long_token_is_not_looked_into() {
        let longest = "x".repeat(MAX_TOKEN_BYTES);
        check(&[&format!("Bearer {longest}")], Some(&longest));
        check(&[&format!("Bearer {longest}x")], None);
    }
}
