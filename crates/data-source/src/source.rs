//! How to reach one data source.

use std::{fmt, str::FromStr};

/// Everything that it takes to log in, given as fields: nothing is completed
/// from the environment or from files.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    pub password: String,
    pub tls: Tls,
    pub reach: Reach,
}

/// Whether a connection is encrypted, and whom it trusts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    pub mode: SslMode,
    /// The authorities to trust instead of the system's. As with libpq, giving
    /// them makes `require` check the certificate as `verify-ca` does.
    pub ca_pem: Option<String>,
}

/// As `sslmode` of libpq.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whose choice the address was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A user's: the egress rule applies.
    Public,
    /// The operator's own.
    Trusted,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("user", &self.user)
            .field("password", &"[redacted]")
            .field("ssl_mode", &self.tls.mode)
            .field("reach", &self.reach)
            .finish()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("must be disable, prefer, require, verify-ca or verify-full")]
pub struct UnknownSslMode;

impl FromStr for SslMode {
    type Err = UnknownSslMode;

    fn from_str(text: &str) -> Result<Self, UnknownSslMode> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(UnknownSslMode),
        }
    }
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_reads_what_it_prints() {
        use SslMode::*;
        for mode in [Disable, Prefer, Require, VerifyCa, VerifyFull] {
            assert_eq!(mode.to_string().parse::<SslMode>().unwrap(), mode);
        }
        assert!("allow".parse::<SslMode>().is_err());
    }

    #[test]
    fn debug_output_has_no_password() {
        let source = Source {
            host: "db.example.org".to_owned(),
            port: 5432,
            database: "sales".to_owned(),
            user: "reader".to_owned(),
            password: "s3cret".to_owned(),
            tls: Tls::default(),
            reach: Reach::Public,
        };
        assert!(!format!("{source:?}").contains("s3cret"));
    }
}
