//! The store's URL: `postgres://user:password@host:port/database?sslmode=…`.

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{
    Error, Source,
    source::{Reach, SslMode, Tls},
};

pub(super) async fn parse(text: &str) -> Result<Source, Error> {
    let url = Url::parse(text).map_err(|_| unfit("has no valid URL"))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(unfit("must have a URL that begins with postgres://"));
    }
    let user = decode(url.username())?;
    let database = decode(url.path().trim_start_matches('/'))?;
    if user.is_empty() || database.is_empty() {
        return Err(unfit("must have a URL with a user and a database"));
    }
    let host = match url.host() {
        None => return Err(unfit("must have a URL with a host")),
        Some(Host::Ipv6(address)) => address.to_string(),
        Some(host) => decode(&host.to_string())?,
    };
    Ok(Source {
        host,
        port: url.port().unwrap_or(5432),
        database,
        user,
        password: decode(url.password().unwrap_or_default())?,
        tls: tls(&url).await?,
        reach: Reach::Trusted,
    })
}

async fn tls(url: &Url) -> Result<Tls, Error> {
    let mut tls = Tls::default();
    for (name, value) in url.query_pairs() {
        match &*name {
            "sslmode" => {
                let mode: Result<SslMode, _> = value.parse();
                tls.mode =
                    mode.map_err(|error| unfit(&format!("has a URL whose sslmode {error}")))?;
            }
            "sslrootcert" => {
                let pem = tokio::fs::read_to_string(&*value).await;
                let pem = pem.map_err(|_| unfit("has a URL whose sslrootcert can't be read"))?;
                tls.ca_pem = Some(pem);
            }
            _ => return Err(unfit(&format!("has a URL with the unknown parameter `{name}`"))),
        }
    }
    Ok(tls)
}

fn decode(text: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(Into::into).map_err(|_| unfit("has a URL that is not UTF-8"))
}

fn unfit(problem: &str) -> Error {
    Error::StoreUnfit { problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_gives_every_field_decoded() {
        let url =
            "postgres://ow%20ner:p%40ss%2Fw@db.example.org:6432/data%2Dsets?sslmode=verify-full";
        let source = parse(url).await.unwrap();
        assert_eq!(source.host, "db.example.org");
        assert_eq!(source.port, 6432);
        assert_eq!(source.user, "ow ner");
        assert_eq!(source.password, "p@ss/w");
        assert_eq!(source.database, "data-sets");
        assert_eq!(source.tls.mode, SslMode::VerifyFull);
    }

    #[tokio::test]
    async fn what_a_url_leaves_out_has_a_default() {
        let source = parse("postgresql://u@[::1]/d").await.unwrap();
        assert_eq!((source.host.as_str(), source.port), ("::1", 5432));
        assert_eq!(source.tls, Tls::default());
    }

    #[tokio::test]
    async fn a_url_that_means_something_else_is_refused_without_its_password() {
        for url in [
            "nonsense",
            "mysql://u:s3cret@h/d",
            "postgres://u:s3cret@h",
            "postgres://h/d",
            "postgres:///d",
            "postgres://u:s3cret@h/d?sslmode=maybe",
            "postgres://u:s3cret@h/d?options=-csearch_path%3Dx",
            "postgres://u:s3cret@h/d?sslrootcert=/nowhere",
        ] {
            let error = parse(url).await.unwrap_err();
            assert!(matches!(error, Error::StoreUnfit { .. }), "{url}: {error}");
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
