//! Configuration, read from the environment (or flags) once at start-up.

use std::{ffi::OsString, net::SocketAddr, time::Duration};

use anyhow::ensure;
use bootstrap::{Admin, Connections, ModelSettings, Telemetry};
use clap::{
    Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

mod access;
mod limits;
mod retention;
mod tokens;

use self::{access::Access, limits::LimitSettings, retention::RetentionSettings, tokens::Tokens};
use crate::{
    auth::Verifier,
    door::{Bounds, Door, Turns},
    limits::Limits,
    reseal,
    server::Settings,
};

/// How many bytes a character has at most, as UTF-8.
const MAX_CHAR_BYTES: u32 = 4;

/// What the program is started for.
#[derive(Clone, Debug)]
pub enum Start {
    // The largest by far.
    Serve(Box<Config>),
    Health(Admin),
    Reseal(reseal::Options),
}

#[derive(Clone, Debug, Subcommand)]
enum Other {
    /// Tells, by its exit code, whether the service on this machine is ready
    Health(Admin),
    /// Seals all data sources' passwords anew with the first of SEALING_KEYS, so that the
    /// others can be taken away; can be stopped and started again at any time
    Reseal(reseal::Options),
}

impl Start {
    /// Reads what the program is started for; ends it if that can't be read.
    pub fn parse() -> anyhow::Result<Self> {
        let arguments = bootstrap::arguments(&Self::command())?;
        let start = Self::of(arguments).unwrap_or_else(|error| error.exit());
        start.check()?;
        Ok(start)
    }

    pub fn command() -> Command {
        // The variables are the service's, and most are not needed for anything else.
        Other::augment_subcommands(Config::command()).subcommand_negates_reqs(true)
    }

    pub fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(arguments)?;
        if matches.subcommand().is_none() {
            return Config::from_arg_matches(&matches).map(|it| Self::Serve(Box::new(it)));
        }
        Other::from_arg_matches(&matches).map(|other| match other {
            Other::Health(admin) => Self::Health(admin),
            Other::Reseal(options) => Self::Reseal(options),
        })
    }

    /// Checks what can't be checked value by value.
    pub fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Serve(config) => config.check(),
            Self::Health(_) => Ok(()),
            Self::Reseal(options) => options.check(),
        }
    }
}

/// Serves Tertulia's gRPC API.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Where to listen
    #[arg(long, env, default_value = "0.0.0.0:50051")]
    pub listen_addr: SocketAddr,

    #[command(flatten)]
    pub admin: Admin,

    #[command(flatten)]
    pub connections: Connections,

    /// How many NATS servers hold each stream; streams that exist stay as they are
    #[arg(long, env, default_value = "1", value_parser = replicas())]
    pub nats_stream_replicas: usize,

    #[command(flatten)]
    pub models: ModelSettings,

    #[command(flatten)]
    pub telemetry: Telemetry,

    #[command(flatten)]
    pub access: Access,

    #[command(flatten)]
    pub tokens: Tokens,

    #[command(flatten)]
    pub limits: LimitSettings,

    #[command(flatten)]
    pub retention: RetentionSettings,

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

/// Of an even number, no more may be lost than of the odd one before.
fn replicas() -> impl TypedValueParser<Value = usize> {
    let numbers = PossibleValuesParser::new(["1", "3", "5"]);
    numbers.map(|number| number.parse().expect("they are numbers"))
}

impl Config {
    /// Checks what can't be checked value by value.
    pub fn check(&self) -> anyhow::Result<()> {
        self.connections.check()?;
        self.tokens.check()?;
        self.access.check()?;
        self.limits.check()?;
        self.retention.check()?;
        self.models.check()?;
        let longest_question = self.limits.max_question_chars.saturating_mul(MAX_CHAR_BYTES);
        ensure!(
            longest_question < self.access.max_message_bytes,
            "MAX_QUESTION_CHARS is more than MAX_MESSAGE_BYTES can hold"
        );
        Ok(())
    }

    pub fn server(&self) -> anyhow::Result<Settings> {
        Ok(Settings {
            reflection: self.reflection == Switch::On,
            max_message_bytes: self.access.max_message_bytes as usize,
            max_import_message_bytes: self.access.max_import_message_bytes as usize,
            drain: Duration::from_secs(self.drain_seconds),
            connections: self.access.connections(),
            tls: self.access.tls()?,
        })
    }

    pub fn door(&self, verifier: Verifier) -> Door {
        Door {
            verifier,
            rate: self.access.rate(),
            admission: self.access.admission(),
            turns: Turns::new(self.turns()),
            origins: self.access.cors_allow_origins.clone(),
        }
    }

    /// Of one user as many as leave half of the connections to the others; in all more
    /// than there are, for what a call does besides.
    fn turns(&self) -> Bounds {
        let connections = self.connections.database_max_connections;
        Bounds { in_all: connections * 2, of_a_user: connections.div_ceil(2) }
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
        let secret = ["--jwt-secret=0123456789abcdef0123456789abcdef"];
        parse_bare(&[&secret, extra].concat())
    }

    /// With none of the tokens' keys.
    fn parse_bare(extra: &[&str]) -> Result<Config, clap::Error> {
        let required = [
            "session-service",
            "--database-url=postgres://a:b@localhost/one",
            "--dataset-database-url=postgres://a:b@localhost/two",
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
        check_refused(&["--nats-stream-replicas=2"], "--nats-stream-replicas");
        check_refused(&["--max-sessions-per-page=0"], "--max-sessions-per-page");
        check_refused(&["--max-sessions-per-page=10"], "DEFAULT_SESSIONS_PER_PAGE");
        check_refused(&["--max-messages-per-page=10"], "DEFAULT_MESSAGES_PER_PAGE");
        check_refused(&["--max-concurrent-requests=9"], "MAX_CONCURRENT_REQUESTS_PER_USER");
        check_refused(&["--max-waiting-requests=9"], "MAX_WAITING_REQUESTS_PER_USER");
        check_refused(&["--max-concurrent-imports=1"], "MAX_CONCURRENT_IMPORTS_PER_USER");
        let small = ["--max-message-bytes=65536", "--max-question-chars=20000"];
        check_refused(&small, "MAX_QUESTION_CHARS");
    }

    #[test]
    fn each_limit_bounds_what_it_is_named_after() {
        let config = parse(&[
            "--max-connections=1",
            "--max-concurrent-streams=2",
            "--max-header-bytes=8193",
            "--max-message-bytes=65537",
            "--max-import-message-bytes=65538",
            "--handshake-seconds=3",
            "--connection-idle-seconds=4",
            "--connection-age-seconds=5",
            "--connection-grace-seconds=6",
            "--database-max-connections=7",
        ]);
        let config = config.unwrap();

        let Settings { connections, max_message_bytes, max_import_message_bytes, .. } =
            config.server().unwrap();
        assert_eq!((max_message_bytes, max_import_message_bytes), (65_537, 65_538));
        assert_eq!((connections.max_connections, connections.max_concurrent_streams), (1, 2));
        assert_eq!(connections.max_header_bytes, 8_193);
        let (handshake, idle) = (connections.handshake.as_secs(), connections.idle.as_secs());
        let (age, grace) = (connections.age.as_secs(), connections.grace.as_secs());
        assert_eq!([handshake, idle, age, grace], [3, 4, 5, 6]);
        assert_eq!(config.turns(), Bounds { in_all: 14, of_a_user: 4 });
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        for flag in ["--tls-certificate-file=a", "--tls-key-file=a", "--tls-client-ca-file=a"] {
            let error = parse(&[flag]).unwrap().server().unwrap_err().to_string();
            assert!(error.contains("TLS_CERTIFICATE_FILE and TLS_KEY_FILE"), "{error}");
        }
    }

    #[test]
    fn keys_for_tokens_come_from_one_place() {
        let sources = [
            ("JWT_SECRET", "--jwt-secret=0123456789abcdef0123456789abcdef"),
            ("JWT_PUBLIC_KEYS_FILE", "--jwt-public-keys-file=keys.pem"),
            ("JWT_JWKS_FILE", "--jwt-jwks-file=keys.json"),
            ("JWT_JWKS_URL", "--jwt-jwks-url=https://issuer.example/keys"),
        ];
        let error = parse_bare(&[]).unwrap().check().unwrap_err().to_string();
        for (variable, flag) in sources {
            assert!(error.contains(variable), "{error}");
            parse_bare(&[flag]).unwrap().check().unwrap();
            for (other, other_flag) in sources.into_iter().filter(|it| it.0 != variable) {
                let config = parse_bare(&[flag, other_flag]).unwrap();
                let error = config.check().unwrap_err().to_string();
                assert!(error.contains(variable) && error.contains(other), "{error}");
            }
        }
    }

    #[test]
    fn keys_that_can_not_be_used_are_refused_by_name() {
        let short = parse_bare(&["--jwt-secret=0123456789abcdef0123456789abcde"]).unwrap();
        assert!(short.check().unwrap_err().to_string().contains("JWT_SECRET"));
        for (flag, variable) in [
            ("--jwt-public-keys-file=/no/such/file", "JWT_PUBLIC_KEYS_FILE"),
            ("--jwt-jwks-file=/no/such/file", "JWT_JWKS_FILE"),
        ] {
            let error = parse_bare(&[flag]).unwrap().tokens.verifier().unwrap_err();
            assert!(error.to_string().contains(variable), "{error}");
        }
        check_refused(&["--jwt-jwks-url=http://issuer.example/keys"], "--jwt-jwks-url");
        check_refused(&["--jwt-leeway-seconds=61"], "--jwt-leeway-seconds");
    }

    #[test]
    fn a_list_of_issuers_or_audiences_that_names_none_is_refused() {
        for flag in ["--jwt-issuer", "--jwt-audience"] {
            let variable = flag.trim_start_matches('-').to_uppercase().replace('-', "_");
            for list in ["", ",", " , "] {
                check_refused(&[&format!("{flag}={list}")], &variable);
            }
            parse(&[&format!("{flag}=one, another,")]).unwrap().check().unwrap();
        }
    }

    #[test]
    fn a_receipt_outlives_the_id_of_its_request() {
        let ids = "--request-id-retention-hours=700";
        for variable in ["DELETION_RECEIPT_RETENTION_DAYS", "REQUEST_ID_RETENTION_HOURS"] {
            check_refused(&[ids, "--deletion-receipt-retention-days=30"], variable);
        }
        parse(&[ids, "--deletion-receipt-retention-days=31"]).unwrap().check().unwrap();
    }

    #[test]
    fn secrets_are_never_printed() {
        let printed = format!("{:?}", parse(&[]).unwrap());
        for secret in ["a:b@", "0123456789abcdef", "AAAAAAAA"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
