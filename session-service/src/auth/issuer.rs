//! An issuer that publishes its keys as a JWK set.

use std::{net::IpAddr, str::FromStr, time::Duration};

use reqwest::{
    Client, StatusCode, Url,
    header::{ACCEPT, AGE, CACHE_CONTROL, HeaderMap},
    redirect,
};

use super::source::{MAX_BYTES, Unread};

/// How long an issuer may take to send its keys.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where an issuer publishes its keys.
#[derive(Clone, Debug)]
pub struct JwksUrl(Url);

#[derive(Debug, thiserror::Error)]
#[error("not a URL of keys: they come by https, or by http from this machine, without a password")]
pub struct NotAJwksUrl;

impl FromStr for JwksUrl {
    type Err = NotAJwksUrl;

    fn from_str(text: &str) -> Result<Self, NotAJwksUrl> {
        let url: Url = text.parse().map_err(|_| NotAJwksUrl)?;
        let trusted = match url.scheme() {
            "https" => true,
            "http" => is_this_machine(&url),
            _ => false,
        };
        let open = url.username().is_empty() && url.password().is_none();
        if trusted && open { Ok(Self(url)) } else { Err(NotAJwksUrl) }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

#[derive(Clone, Debug)]
pub(super) struct Issuer {
    url: Url,
    client: Client,
}

impl Issuer {
    pub(super) fn new(JwksUrl(url): JwksUrl) -> Result<Self, reqwest::Error> {
        // Whoever was first has installed one as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("tertulia/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy();
        let client = match url.scheme() {
            "https" => client.https_only(true).build(),
            // Needs no certificates, and a slim image may have none.
            _ => client.tls_certs_only([]).build(),
        };
        Ok(Self { url, client: client? })
    }

    /// The document, and for how long the issuer says that it holds.
    pub(super) async fn fetch(&self) -> Result<(Vec<u8>, Option<Duration>), Unread> {
        let request = self.client.get(self.url.clone());
        let mut response =
            request.header(ACCEPT, "application/jwk-set+json, application/json").send().await?;
        if response.status() != StatusCode::OK {
            return Err(Unread::Status(response.status()));
        }
        let holds = holds(response.headers());
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            document.extend_from_slice(&chunk);
            if document.len() > MAX_BYTES {
                return Err(Unread::TooLarge);
            }
        }
        Ok((document, holds))
    }
}

/// For how long the answer holds, from now on: the shortest time that any directive
/// gives, less what the answer has spent in caches.
fn holds(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|it| it.to_str().ok());
    let directives = values.flat_map(|it| it.split(',')).map(str::trim);
    let times = directives.filter_map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => Some(Duration::ZERO),
            "max-age" => value.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => None,
        }
    });
    let age = headers.get(AGE).and_then(|it| it.to_str().ok()?.parse().ok());
    times.min().map(|it| it.saturating_sub(Duration::from_secs(age.unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_https_or_from_this_machine() {
        for url in [
            "https://issuer.example/.well-known/jwks.json",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://[::1]:8080/keys",
        ] {
            url.parse::<JwksUrl>().unwrap();
        }
        for url in [
            "",
            "issuer.example",
            "file:///keys",
            "http://issuer.example/keys",
            "http://localhost.example/keys",
            "http://127.0.0.1.example/keys",
            "http://10.0.0.1/keys",
            "https://user:password@issuer.example/keys",
        ] {
            assert!(url.parse::<JwksUrl>().is_err(), "{url}");
        }
    }

    #[track_caller]
    fn check_holds(value: &str, age: &str, expected: Option<u64>) {
        let headers =
            [(CACHE_CONTROL, value), (AGE, age)].map(|(name, it)| (name, it.parse().unwrap()));
        let found = holds(&HeaderMap::from_iter(headers));
        assert_eq!(found, expected.map(Duration::from_secs), "{value}, {age}");
    }

    #[test]
    fn the_issuer_says_for_how_long_its_keys_hold() {
        check_holds("max-age=600", "", Some(600));
        check_holds("public, Max-Age=600, must-revalidate", "", Some(600));
        check_holds("no-store", "", Some(0));
        check_holds("max-age=600, no-cache", "", Some(0));
        check_holds("max-age=600, max-age=60", "", Some(60));
        check_holds("public", "", None);
        check_holds("max-age=soon", "", None);
        check_holds("s-maxage=7", "", None);
    }

    #[test]
    fn what_came_from_a_cache_holds_for_the_rest_of_its_time() {
        check_holds("max-age=600", "0", Some(600));
        check_holds("max-age=600", "590", Some(10));
        check_holds("max-age=600", "700", Some(0));
        check_holds("max-age=600", "old", Some(600));
        check_holds("public", "590", None);
    }
}
