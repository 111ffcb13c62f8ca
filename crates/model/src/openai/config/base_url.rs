use serde_json::Value;
use url::{Host, Url};

/// An address that a key may be sent to: nobody on the way can read it.
pub(super) fn read(value: &Value, allow_http: bool) -> Result<Url, &'static str> {
    let url = value.as_str().and_then(|it| Url::parse(it).ok());
    let url = url.filter(Url::has_host).ok_or("must be an absolute URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not have credentials in it");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must end with its path");
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http || is_loopback(&url) => Ok(url),
        "http" => Err("must be https, unless the host is this machine or allow_http is true"),
        _ => Err("must be https"),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_or_on_request() {
        for url in ["http://localhost:1/v1", "http://127.0.0.1", "http://[::1]/x", "https://a.b"] {
            assert!(read(&json!(url), false).is_ok(), "{url}");
        }
        assert!(read(&json!("http://localhost.a.example"), false).is_err());
        assert!(read(&json!("http://10.0.0.1"), false).is_err());
        assert!(read(&json!("http://10.0.0.1"), true).is_ok());
    }
}
