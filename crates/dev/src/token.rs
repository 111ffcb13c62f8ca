//! Tokens as a caller's own issuer would sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::{Args, value_parser};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;

use crate::{settings::Settings, stack::Folder};

const DEFAULT_TTL_SECONDS: u64 = 30 * 24 * 60 * 60;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The user's id
    #[arg(long, value_parser = value_parser!(i64).range(1..))]
    user: i64,
    /// Seconds until it expires
    #[arg(long, default_value_t = DEFAULT_TTL_SECONDS)]
    ttl: u64,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
struct Claims {
    sub: String,
    iat: u64,
    exp: u64,
}

pub(crate) fn issue(options: &Options) -> anyhow::Result<String> {
    let settings =
        Settings::find(&Folder::open()?)?.context("no stack here: run `cargo dev up`")?;
    sign(&settings.jwt_secret, options.user, options.ttl)
}

pub(crate) fn for_user(secret: &str, user: i64) -> anyhow::Result<String> {
    sign(secret, user, DEFAULT_TTL_SECONDS)
}

fn sign(secret: &str, user: i64, ttl: u64) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let claims = Claims { sub: user.to_string(), iat: now, exp: now.saturating_add(ttl) };
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(jsonwebtoken::encode(&Header::default(), &claims, &key)?)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    use super::*;

    #[test]
    fn a_token_names_its_user_and_expires() {
        let token = sign("secret", 7, 60).unwrap();

        let key = DecodingKey::from_secret(b"secret");
        let validation = Validation::new(Algorithm::HS256);
        let claims = jsonwebtoken::decode::<Claims>(&token, &key, &validation).unwrap().claims;
        assert_eq!(claims.sub, "7");
        assert_eq!(claims.exp - claims.iat, 60);
    }
}
