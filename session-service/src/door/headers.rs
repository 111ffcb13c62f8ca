//! Headers that are larger than they may be, as long as they are not so large that the
//! connection refuses them.

use axum::extract::Request;
use http::{HeaderMap, header::AUTHORIZATION};

use crate::Error;

/// What a header counts for besides its text (RFC 9113, 6.5.2).
const OVERHEAD: usize = 32;

pub(super) fn check(request: &Request, max_bytes: u32) -> Result<(), Error> {
    let path = request.uri().path_and_query().map_or(0, |it| it.as_str().len());
    let size = size(request.headers()) + path;
    if size <= max_bytes as usize { Ok(()) } else { Err(Error::HeadersTooLarge { max_bytes }) }
}

/// Without the token: one that is too large is refused like any other that is not valid.
fn size(headers: &HeaderMap) -> usize {
    let counted = headers.iter().filter(|(name, _)| **name != AUTHORIZATION);
    counted.map(|(name, value)| name.as_str().len() + value.len() + OVERHEAD).sum()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn headers_count_with_their_names_and_tokens_do_not() {
        let mut headers = HeaderMap::new();
        headers.insert("x-a", HeaderValue::from_static("12345"));
        assert_eq!(size(&headers), 3 + 5 + OVERHEAD);
        headers.append("x-a", HeaderValue::from_static(""));
        assert_eq!(size(&headers), 3 + 5 + 3 + 2 * OVERHEAD);
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
        assert_eq!(size(&headers), 3 + 5 + 3 + 2 * OVERHEAD);
    }
}
