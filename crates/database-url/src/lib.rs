//! What may stand in the URL of a Postgres database. Asked at the start, so that nothing which
//! can't be meant is passed over, or tried again and again as if the server were away.

use std::{fs, io};

use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use url::Url;

const SSL_MODES: [&str; 5] = ["disable", "prefer", "require", "verify-ca", "verify-full"];
/// The modes that look at who has signed the server's certificate.
const VERIFYING: [&str; 2] = ["verify-ca", "verify-full"];

/// Which database a URL leads to; each is reached by a driver of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    Conversations,
    Datasets,
}

/// Why a URL can't be used. Nothing of it is shown but the names of known parameters and the file.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    #[error(
        "must be postgres://user:password@host:port/database; in the user and the password, what \
         is neither a letter nor a digit is written in percent-encoding (`@` as %40)"
    )]
    Form,
    #[error("names no host")]
    Host,
    /// Its name may be what stands behind a `?` in a password.
    #[error(
        "has an unknown parameter, or a `?` in a password that is not in percent-encoding; known are {}",
        .0.join(", ")
    )]
    UnknownParameter(&'static [&'static str]),
    #[error("has the parameter `{0}` without a value")]
    NoValue(String),
    #[error("has the parameter `{0}` twice")]
    Twice(String),
    #[error("has an unknown sslmode; known are {}", SSL_MODES.join(", "))]
    SslMode,
    /// One driver would look at the chain all the same, and the other not.
    #[error("has sslrootcert, which needs sslmode=verify-ca or sslmode=verify-full")]
    RootWithoutVerification,
    #[error("has the sslrootcert {file}, which can't be read")]
    RootUnread { file: String, source: io::Error },
    #[error("has the sslrootcert {0}, which holds no certificate as PEM")]
    RootWithoutCertificate(String),
}

impl Database {
    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Conversations => &[
                "sslmode",
                "sslrootcert",
                "sslcert",
                "sslkey",
                "host",
                "port",
                "dbname",
                "user",
                "password",
                "options",
            ],
            Self::Datasets => &["sslmode", "sslrootcert"],
        }
    }
}

pub fn check(text: &str, database: Database) -> Result<(), Unfit> {
    let url = Url::parse(text).map_err(|_| Unfit::Form)?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(Unfit::Form);
    }
    check_parameters(&url, database.parameters())?;
    let is_named = url.host_str().is_some_and(|it| !it.is_empty());
    if !is_named && parameter(&url, "host").is_none() {
        return Err(Unfit::Host);
    }
    check_tls(&url)
}

fn check_parameters(url: &Url, known: &'static [&'static str]) -> Result<(), Unfit> {
    for (at, (name, value)) in url.query_pairs().enumerate() {
        if !known.contains(&&*name) {
            return Err(Unfit::UnknownParameter(known));
        }
        if value.is_empty() {
            return Err(Unfit::NoValue(name.into_owned()));
        }
        if url.query_pairs().take(at).any(|(other, _)| other == name) {
            return Err(Unfit::Twice(name.into_owned()));
        }
    }
    Ok(())
}

fn check_tls(url: &Url) -> Result<(), Unfit> {
    let mode = parameter(url, "sslmode");
    let is_one_of = |modes: &[&str]| mode.as_deref().is_some_and(|mode| modes.contains(&mode));
    if mode.is_some() && !is_one_of(&SSL_MODES) {
        return Err(Unfit::SslMode);
    }
    let Some(file) = parameter(url, "sslrootcert") else { return Ok(()) };
    if !is_one_of(&VERIFYING) {
        return Err(Unfit::RootWithoutVerification);
    }
    match fs::read(&file) {
        Err(source) => Err(Unfit::RootUnread { file, source }),
        Ok(pem) if CertificateDer::from_pem_slice(&pem).is_err() => {
            Err(Unfit::RootWithoutCertificate(file))
        }
        Ok(_) => Ok(()),
    }
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operators_write_is_taken() {
        for url in [
            "postgres:///tertulia?user=tertulia&host=/var/run/postgresql",
            "postgresql://a:p%40ss%3Aw%2Frd%25%23%3F@db.example.org:6432/one?sslmode=require",
            "postgres://a:b@[::1]/one?sslmode=verify-full&options=-c%20work_mem%3D8MB",
        ] {
            check(url, Database::Conversations).unwrap_or_else(|error| panic!("{url}: {error}"));
        }
    }

    #[test]
    fn what_can_not_be_meant_is_refused_without_a_word_of_the_password() {
        let no_pem = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let no_pem = format!("postgres://a:s3cret@h/one?sslmode=verify-ca&sslrootcert={no_pem}");
        for (url, reason) in [
            ("s3cret", "must be postgres://"),
            ("mysql://a:s3cret@h/one", "must be postgres://"),
            ("postgres://a:p@ss:s3cret/w@h/one", "percent-encoding"),
            ("postgres://a:s3cret#@h/one", "percent-encoding"),
            ("postgres:///one", "names no host"),
            ("postgres://a:s3cret@h/one?ssl_mode=require", "unknown parameter"),
            ("postgres://a:?s3cret@h/one", "unknown parameter"),
            ("postgres://h/one?user=u&password=ab&s3cret", "unknown parameter"),
            ("postgres://a:s3cret@h/one?sslmode=allow", "unknown sslmode"),
            ("postgres://a:s3cret@h/one?sslmode=", "`sslmode` without a value"),
            ("postgres://a:s3cret@h/one?sslmode=require&sslmode=disable", "`sslmode` twice"),
            ("postgres://a:s3cret@h/one?sslmode=require&sslrootcert=/ca", "needs sslmode="),
            ("postgres://a:s3cret@h/one?sslrootcert=/ca", "needs sslmode="),
            ("postgres://a:s3cret@h/one?sslmode=verify-ca&sslrootcert=/no/ca", "/no/ca"),
            (&no_pem, "no certificate"),
        ] {
            for database in [Database::Conversations, Database::Datasets] {
                let error = check(url, database).unwrap_err().to_string();
                assert!(error.contains(reason), "{url}: {error}");
                assert!(!error.contains("s3cret"), "{url}: {error}");
            }
        }
    }

    #[test]
    fn the_data_sets_driver_knows_fewer_parameters() {
        let url = "postgres://a@h/one?options=x";

        check(url, Database::Conversations).unwrap();
        let error = check(url, Database::Datasets).unwrap_err().to_string();
        assert!(error.ends_with("known are sslmode, sslrootcert"), "{error}");
    }
}
