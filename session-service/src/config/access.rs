//! Who gets in, how, and how much.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use anyhow::{bail, ensure};
use clap::{Args, value_parser};

use crate::{
    connections::{Limits, Patience},
    door::{Admission, Bounds, Origins, Rate},
    tls::{Files, Tls},
};

#[derive(Clone, Debug, Args)]
pub struct Access {
    /// The server's certificate and those between it and its root, as PEM; with it,
    /// TLS is spoken. Read again when it changes
    #[arg(long, env)]
    pub tls_certificate_file: Option<PathBuf>,

    /// The certificate's key, as PEM
    #[arg(long, env)]
    pub tls_key_file: Option<PathBuf>,

    /// The certificates, as PEM, that clients' certificates must come from (mutual
    /// TLS); if not set, clients need none
    #[arg(long, env)]
    pub tls_client_ca_file: Option<PathBuf>,

    /// Origins of the pages that may call from a browser, with commas between
    #[arg(long, env, default_value = "", hide_default_value = true)]
    pub cors_allow_origins: Origins,

    /// How many connections to keep at most
    #[arg(long, env, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// How many calls a connection may have at once
    #[arg(long, env, default_value_t = 1000, value_parser = value_parser!(u32).range(1..))]
    pub max_concurrent_streams: u32,

    /// How many bytes a request's headers may have
    #[arg(long, env, default_value_t = 16_384, value_parser = value_parser!(u32).range(8_192..=1_048_576))]
    pub max_header_bytes: u32,

    /// How many bytes a request's message may have
    #[arg(long, env, default_value_t = 1_048_576, value_parser = value_parser!(u32).range(65_536..=67_108_864))]
    pub max_message_bytes: u32,

    /// How many bytes a message of an imported file may have
    #[arg(long, env, default_value_t = 4_194_304, value_parser = value_parser!(u32).range(65_536..=67_108_864))]
    pub max_import_message_bytes: u32,

    /// For how many seconds a client may take to agree on TLS and to say what it speaks
    #[arg(long, env, default_value_t = 10, value_parser = value_parser!(u64).range(1..=300))]
    pub handshake_seconds: u64,

    /// After how many seconds without a call a connection is closed
    #[arg(long, env, default_value_t = 900, value_parser = value_parser!(u64).range(1..=86_400))]
    pub connection_idle_seconds: u64,

    /// After how many seconds, more or less a tenth, a connection takes no more calls,
    /// so that its client connects anew
    #[arg(long, env, default_value_t = 3600, value_parser = value_parser!(u64).range(1..=604_800))]
    pub connection_age_seconds: u64,

    /// For how many seconds more its calls may go on then
    #[arg(long, env, default_value_t = 330, value_parser = value_parser!(u64).range(0..=86_400))]
    pub connection_grace_seconds: u64,

    /// How many calls are received, worked on and answered at once; so many turns are
    /// taken as DATABASE_MAX_CONNECTIONS allows, and the others wait for theirs
    #[arg(long, env, default_value_t = 5000, value_parser = value_parser!(u32).range(1..))]
    pub max_concurrent_requests: u32,

    /// How many of them may be one user's
    #[arg(long, env, default_value_t = 1000, value_parser = value_parser!(u32).range(1..))]
    pub max_concurrent_requests_per_user: u32,

    /// How many calls may wait for a run, or watch one, at once
    #[arg(long, env, default_value_t = 20_000, value_parser = value_parser!(u32).range(1..))]
    pub max_waiting_requests: u32,

    /// How many of them may be one user's
    #[arg(long, env, default_value_t = 10_000, value_parser = value_parser!(u32).range(1..))]
    pub max_waiting_requests_per_user: u32,

    /// How many calls a user may begin a second, in the long run, on each instance
    #[arg(long, env, default_value = "300")]
    pub requests_per_second_per_user: NonZeroU32,

    /// How many calls a user may begin at once who has not called for a while
    #[arg(long, env, default_value = "1000")]
    pub request_burst_per_user: NonZeroU32,
}

impl Access {
    /// Checks what can't be checked value by value.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.max_concurrent_requests_per_user <= self.max_concurrent_requests,
            "MAX_CONCURRENT_REQUESTS_PER_USER is larger than MAX_CONCURRENT_REQUESTS"
        );
        ensure!(
            self.max_waiting_requests_per_user <= self.max_waiting_requests,
            "MAX_WAITING_REQUESTS_PER_USER is larger than MAX_WAITING_REQUESTS"
        );
        Ok(())
    }

    pub(super) fn connections(&self) -> Limits {
        Limits {
            max_connections: self.max_connections,
            max_concurrent_streams: self.max_concurrent_streams,
            max_header_bytes: self.max_header_bytes,
            handshake: Duration::from_secs(self.handshake_seconds),
            idle: Duration::from_secs(self.connection_idle_seconds),
            age: Duration::from_secs(self.connection_age_seconds),
            grace: Duration::from_secs(self.connection_grace_seconds),
            patience: Patience::default(),
        }
    }

    pub(super) fn tls(&self) -> anyhow::Result<Option<Tls>> {
        match (&self.tls_certificate_file, &self.tls_key_file, &self.tls_client_ca_file) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), client_ca) => {
                let (certificate, key) = (certificate.clone(), key.clone());
                Tls::read(Files { certificate, key, client_ca: client_ca.clone() }).map(Some)
            }
            _ => bail!(
                "TLS_CERTIFICATE_FILE and TLS_KEY_FILE are needed for TLS, both, and so they are \
                 for TLS_CLIENT_CA_FILE"
            ),
        }
    }

    pub(super) fn rate(&self) -> Rate {
        Rate::new(self.requests_per_second_per_user, self.request_burst_per_user)
    }

    pub(super) fn admission(&self) -> Admission {
        let worked = Bounds {
            in_all: self.max_concurrent_requests,
            of_a_user: self.max_concurrent_requests_per_user,
        };
        let waiting = Bounds {
            in_all: self.max_waiting_requests,
            of_a_user: self.max_waiting_requests_per_user,
        };
        Admission::new(worked, waiting)
    }
}
