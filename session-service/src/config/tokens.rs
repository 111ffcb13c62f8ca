//! Whose tokens are accepted.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail, ensure};
use bootstrap::Secret;
use clap::{Args, builder::NonEmptyStringValueParser, value_parser};

use crate::auth::{JwksUrl, Pace, Rules, Source, Verifier};

const MIN_SECRET_BYTES: usize = 32;

#[derive(Clone, Debug, Args)]
pub struct Tokens {
    /// The HS256 secret of the tokens' issuer; at least 32 bytes
    #[arg(long, env, hide_env_values = true)]
    pub jwt_secret: Option<Secret>,

    /// The secret before that one, or the one after it: tokens of either are accepted, so
    /// that their issuer can change from one to the other
    #[arg(long, env, hide_env_values = true)]
    pub jwt_previous_secret: Option<Secret>,

    /// The public keys of the tokens' issuer, as PEM; read again when they change
    #[arg(long, env)]
    pub jwt_public_keys_file: Option<PathBuf>,

    /// The public keys of the tokens' issuer, as a JWK set; read again when they change
    #[arg(long, env)]
    pub jwt_jwks_file: Option<PathBuf>,

    /// Where the tokens' issuer publishes its public keys, as a JWK set; fetched again
    /// and again
    #[arg(long, env)]
    pub jwt_jwks_url: Option<JwksUrl>,

    /// For how many seconds keys are used that can't be read again
    #[arg(long, env, default_value_t = 86_400, value_parser = value_parser!(u64).range(60..=2_592_000))]
    pub jwt_jwks_max_stale_seconds: u64,

    /// The claim that names the user; a positive integer, as a number or a string
    #[arg(long, env, default_value = "sub", value_parser = NonEmptyStringValueParser::new())]
    pub jwt_user_claim: String,

    /// The issuers of which tokens must name one, with commas between; any if not set
    #[arg(long, env, value_delimiter = ',')]
    pub jwt_issuer: Vec<String>,

    /// The audiences of which tokens must name one, with commas between; if not set,
    /// tokens must name none
    #[arg(long, env, value_delimiter = ',')]
    pub jwt_audience: Vec<String>,

    /// By how many seconds the issuer's clock and this one may differ
    #[arg(long, env, default_value_t = 5, value_parser = value_parser!(u64).range(0..=60))]
    pub jwt_leeway_seconds: u64,
}

impl Tokens {
    pub fn verifier(&self) -> anyhow::Result<Verifier> {
        let (variable, source) = self.source()?;
        let max_stale = Duration::from_secs(self.jwt_jwks_max_stale_seconds);
        let pace = Pace { max_stale, ..Pace::default() };
        Verifier::new(source, self.rules(), pace).context(variable)
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (variable, list) in
            [("JWT_ISSUER", &self.jwt_issuer), ("JWT_AUDIENCE", &self.jwt_audience)]
        {
            let is_set = !list.is_empty();
            ensure!(!is_set || !named(list).is_empty(), "{variable} is set, and names none");
        }
        ensure!(
            self.jwt_previous_secret.is_none() || self.jwt_secret.is_some(),
            "JWT_PREVIOUS_SECRET is set, and JWT_SECRET is not"
        );
        for (variable, secret) in
            [("JWT_SECRET", &self.jwt_secret), ("JWT_PREVIOUS_SECRET", &self.jwt_previous_secret)]
        {
            ensure!(
                secret.as_ref().is_none_or(|it| it.expose().len() >= MIN_SECRET_BYTES),
                "{variable} has fewer than {MIN_SECRET_BYTES} bytes, which HS256 asks for (RFC \
                 7518, 3.2)"
            );
        }
        self.source().map(drop)
    }

    /// The one that is set, with its variable's name.
    fn source(&self) -> anyhow::Result<(&'static str, Source)> {
        let sources = [
            ("JWT_SECRET", self.secrets().map(Source::Secrets)),
            ("JWT_PUBLIC_KEYS_FILE", self.jwt_public_keys_file.clone().map(Source::PublicKeysFile)),
            ("JWT_JWKS_FILE", self.jwt_jwks_file.clone().map(Source::JwksFile)),
            ("JWT_JWKS_URL", self.jwt_jwks_url.clone().map(Source::JwksUrl)),
        ];
        let names = sources.each_ref().map(|(name, _)| *name).join(", ");
        let mut set = sources.into_iter().filter_map(|(name, source)| Some((name, source?)));
        match (set.next(), set.next()) {
            (Some(source), None) => Ok(source),
            (None, _) => bail!("one of {names} is needed"),
            (Some((one, _)), Some((other, _))) => {
                bail!(
                    "{one} and {other} are set, but tokens have one issuer: only one of {names} may be"
                )
            }
        }
    }

    fn secrets(&self) -> Option<Vec<Secret>> {
        let secret = self.jwt_secret.clone()?;
        Some([secret].into_iter().chain(self.jwt_previous_secret.clone()).collect())
    }

    fn rules(&self) -> Rules {
        Rules {
            user_claim: self.jwt_user_claim.clone(),
            issuers: named(&self.jwt_issuer),
            audiences: named(&self.jwt_audience),
            leeway: Duration::from_secs(self.jwt_leeway_seconds),
        }
    }
}

/// What a list names, without the blanks around the commas.
fn named(list: &[String]) -> Vec<String> {
    list.iter().map(|it| it.trim()).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}
