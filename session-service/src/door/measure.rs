//! Measures every call, whatever becomes of it.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http_body::Body as _;
use http_body_util::BodyExt as _;

use crate::metrics::Call;

/// A call goes on until its answer was sent, or nobody takes it any more.
pub(super) async fn measure(request: Request, next: Next) -> Response {
    let call = Call::begin(request.uri().path());
    let response = call.scope(next.run(request)).await;
    call.is_worked();
    call.read(response.headers());
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                call.read(trailers);
            }
            frame
        }))
    })
}
