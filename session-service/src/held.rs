//! What lasts for as long as an answer does.

use axum::body::Body;
use http_body_util::BodyExt as _;

/// Drops `guard` with the last of the body.
pub(crate) fn hold<T: Send + 'static>(body: Body, guard: T) -> Body {
    Body::new(body.map_frame(move |frame| {
        let _ = &guard;
        frame
    }))
}
