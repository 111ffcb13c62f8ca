//! Configuration, read from the environment (or flags) once at start-up.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use bootstrap::{Connections, ModelSettings, Secret};
use clap::{Parser, ValueEnum};

mod access;
mod limits;

use self::{access::Access, limits::LimitSettings};
use crate::{
    auth::{self, Verifier},
    door::Door,
    limits::Limits,
    server::Settings,
};

/// Serves Tertulia's gRPC API.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Where to listen
    #[arg(long, env, default_value = "0.0.0.0:50051")]
    pub listen_addr: SocketAddr,

    #[command(flatten)]
    pub connections: Connections,

    #[command(flatten)]
    pub models: ModelSettings,

    #[command(flatten)]
    pub access: Access,

    /// The HS256 secret of the tokens' issuer; at least 32 bytes
    #[arg(long, env, hide_env_values = true)]
    pub jwt_secret: Secret,

    /// The claim that names the user; a positive integer, as a number or a string
    #[arg(long, env, default_value = "sub")]
    pub jwt_user_claim: String,

    /// The issuer that tokens must name; any if not set
    #[arg(long, env)]
    pub jwt_issuer: Option<String>,

    /// The audience that tokens must name; if not set, tokens must name none
    #[arg(long, env)]
    pub jwt_audience: Option<String>,

    #[command(flatten)]
    pub limits: LimitSettings,

    /// For how many seconds requests may go on after a shutdown was asked for
    #[arg(long, env, default_value_t = 20, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub drain_seconds: u64,

    /// Whether clients can ask for the API's description
    #[arg(long, env, default_value = "on")]
    pub reflection: Switch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

impl Config {
    /// Checks what can't be checked value by value.
    pub fn check(&self) -> anyhow::Result<()> {
        self.connections.check()?;
        ensure!(
            self.jwt_secret.expose().len() >= 32,
            "JWT_SECRET has fewer than 32 bytes, which HS256 asks for (RFC 7518, 3.2)"
        );
        self.limits.check()
    }

    pub fn server(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            reflection: self.reflection == Switch::On,
            max_message_bytes: self.access.max_message_bytes as usize,
            drain: Duration::from_secs(self.drain_seconds),
            connections: self.access.connections(),
            tls: self.access.tls()?,
        })
    }

    pub fn door(&self) -> Door {
        Door {
            verifier: Verifier::new(&self.jwt()),
            rate: self.access.rate(),
            admission: self.access.admission(),
            origins: self.access.cors_allow_origins.clone(),
        }
    }

    fn jwt(&self) -> auth::Rules<'_> {
        auth::Rules {
            secret: self.jwt_secret.expose(),
            user_claim: &self.jwt_user_claim,
            issuer: self.jwt_issuer.as_deref().filter(|it| !it.is_empty()),
            audience: self.jwt_audience.as_deref().filter(|it| !it.is_empty()),
        }
    }

    pub fn limits(&self) -> Limits {
        self.limits.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fn parse(extra: &[&str]) -> Result<Config, clap::Error> {
        let required = [
            "session-service",
            "--database-url=postgres://a:b@localhost/one",
            "--dataset-database-url=postgres://a:b@localhost/two",
            "--jwt-secret=0123456789abcdef0123456789abcdef",
        ];
        let keys = format!("--sealing-keys={KEY}");
        Config::try_parse_from(required.iter().chain(&[keys.as_str()]).chain(extra))
    }

    #[track_caller]
    fn check_refused(extra: &[&str], variable: &str) {
        let error = match parse(extra) {
            Ok(config) => config.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(variable), "{error}");
    }

    #[test]
    fn what_is_required_is_enough() {
        parse(&[]).unwrap().check().unwrap();
    }

    #[test]
    fn a_bad_value_is_refused_by_name() {
        check_refused(&["--listen-addr=nowhere"], "--listen-addr");
        check_refused(&["--max-sessions-per-page=0"], "--max-sessions-per-page");
        check_refused(&["--max-sessions-per-page=10"], "DEFAULT_SESSIONS_PER_PAGE");
        check_refused(&["--max-messages-per-page=10"], "DEFAULT_MESSAGES_PER_PAGE");
    }

    #[test]
    fn every_variable_is_named_like_its_flag_and_is_in_the_readme() {
        use clap::CommandFactory as _;
        let readme = include_str!("../../README.md");
        for argument in Config::command().get_arguments() {
            let flag = argument.get_long().unwrap_or_default().to_uppercase().replace('-', "_");
            let variable = argument.get_env().map(|it| it.to_string_lossy().into_owned());
            assert_eq!(variable, Some(flag.clone()));
            assert!(readme.contains(&format!("`{flag}`")), "{flag}");
        }
    }

    #[test]
    fn secrets_are_never_printed() {
        let printed = format!("{:?}", parse(&[]).unwrap());
        for secret in ["a:b@", "0123456789abcdef", "AAAAAAAA"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
