//! Browsers: gRPC-Web, and the pages that may call (CORS).

use std::{convert::Infallible, str::FromStr, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::Request,
    response::Response,
};
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, Method, header};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic_web::GrpcWebLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::request_id;

/// For how long a browser need not ask again.
const MAX_AGE: Duration = Duration::from_secs(3600);

const SENT: [HeaderName; 9] = [
    header::AUTHORIZATION,
    HeaderName::from_static("baggage"),
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("x-grpc-web"),
    request_id::HEADER,
    HeaderName::from_static("x-user-agent"),
];

const READ: [HeaderName; 4] = [
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-status-details-bin"),
    request_id::HEADER,
];

/// The origins of the pages that may call, with commas between.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

#[derive(Debug, thiserror::Error)]
#[error("not an origin: {0} (as https://app.example.com, without a path)")]
pub struct NotAnOrigin(String);

impl FromStr for Origins {
    type Err = NotAnOrigin;

    fn from_str(list: &str) -> Result<Self, NotAnOrigin> {
        let origins = list.split(',').map(str::trim).filter(|it| !it.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

fn origin(text: &str) -> Result<HeaderValue, NotAnOrigin> {
    let is_origin = text.parse::<reqwest::Url>().is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    });
    let value = HeaderValue::from_str(text).ok().filter(|_| is_origin);
    value.ok_or_else(|| NotAnOrigin(text.to_owned()))
}

impl Origins {
    pub(super) fn cors(&self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.0.clone()))
            .allow_methods([Method::POST])
            .allow_headers(SENT)
            .expose_headers(READ)
            .max_age(MAX_AGE)
    }
}

/// Whether a browser asks, and wants to know whether its page may.
pub(super) fn is_of_page(request: &Request) -> bool {
    request.method() == Method::OPTIONS || request.headers().contains_key(header::ORIGIN)
}

/// Says with the answer whether the page may have it; to who only asks for that, at once.
pub(super) async fn share<A>(
    cors: &CorsLayer,
    request: Request,
    mut answer: impl FnMut(Request) -> A,
) -> Response
where
    A: Future<Output = Response>,
{
    let inner = service_fn(|request| answer(request).map(Ok::<_, Infallible>));
    let Ok(response) = cors.layer(inner).oneshot(request).await;
    response
}

/// Translates gRPC-Web to gRPC, and back.
pub(super) async fn translate<A, B>(
    request: Request,
    mut answer: impl FnMut(Request) -> A,
) -> Response
where
    A: Future<Output = http::Response<B>>,
    B: HttpBody<Data = Bytes, Error = Status> + Send + 'static,
{
    let inner = service_fn(|request: http::Request<tonic::body::Body>| {
        answer(request.map(Body::new)).map(Ok::<_, Infallible>)
    });
    let Ok(response) = GrpcWebLayer::new().layer(inner).oneshot(request).await;
    response.map(Body::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_a_scheme_and_a_host_and_nothing_after_it() {
        let list = "https://app.example.com, http://localhost:5173";
        assert_eq!(list.parse::<Origins>().unwrap().0.len(), 2);
        assert!("".parse::<Origins>().unwrap().0.is_empty());
        for bad in ["*", "null", "app.example.com", "https://a.example/", "ftp://a.example"] {
            let error = bad.parse::<Origins>().unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }
}
