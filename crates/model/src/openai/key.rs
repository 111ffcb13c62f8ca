use std::fmt;

use reqwest::header::{HeaderValue, InvalidHeaderValue};

const MASK: &str = "[redacted]";

/// What a provider knows us by; it must not reach a log.
#[derive(Clone)]
pub(super) struct ApiKey {
    key: String,
    header: HeaderValue,
}

impl ApiKey {
    pub(super) fn new(key: &str) -> Result<Self, InvalidHeaderValue> {
        let mut header = HeaderValue::try_from(format!("Bearer {key}"))?;
        header.set_sensitive(true);
        Ok(Self { key: key.to_owned(), header })
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Takes the key out of what a server says about it.
    pub(super) fn masked_in(&self, text: &str) -> String {
        text.replace(&self.key, MASK)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}
