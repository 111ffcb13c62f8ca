//! The id by which a caller and the log name a call: the caller's own, or one that is made here.
//! Every answer has it.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Builder;

pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_BYTES: usize = 128;

#[derive(Clone, Debug)]
pub(super) struct RequestId(HeaderValue);

impl RequestId {
    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    /// The caller's, if it is one, and fit to be shown.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let value = values.next().filter(|_| values.next().is_none())?;
        let is_fit = (1..=MAX_BYTES).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic);
        is_fit.then(|| Self(value.clone()))
    }

    pub(super) fn new() -> Self {
        let id = Builder::from_random_bytes(rand::random()).into_uuid().to_string();
        Self(HeaderValue::try_from(id).expect("a UUID is digits and hyphens"))
    }
}

impl From<RequestId> for HeaderValue {
    fn from(RequestId(id): RequestId) -> Self {
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        RequestId::of(&headers).map(|it| it.as_str().to_owned())
    }

    #[test]
    fn a_callers_id_is_kept_if_it_is_one_and_short_and_plain() {
        let longest = "~".repeat(MAX_BYTES);
        for good in ["1", "a-b_c/d:e=", longest.as_str()] {
            assert_eq!(of(&[good]).as_deref(), Some(good));
        }
        let too_long = "a".repeat(MAX_BYTES + 1);
        for bad in ["", "a b", "é", "a\tb", too_long.as_str()] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["a", "b"]), None);
    }

    #[test]
    fn ids_that_are_made_are_uuids_and_differ() {
        let (one, two) = (RequestId::new(), RequestId::new());
        assert!(uuid::Uuid::try_parse(one.as_str()).is_ok());
        assert_ne!(one.as_str(), two.as_str());
    }
}
