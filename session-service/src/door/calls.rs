//! Each call from its beginning to the end of its answer: a span of its caller's trace, and a line
//! in the log. What is public has neither.

mod body;
mod call;
mod methods;

use axum::extract::Request;
use http::HeaderMap;
use tonic::Code;
use trace_context::{TRACEPARENT, TRACESTATE, TraceContext};
use tracing::{Span, field::Empty};

use self::methods::Method;
pub(super) use self::{body::Followed, call::Call};
use super::request_id::RequestId;

/// How a call has ended, if these headers or trailers say so.
pub(super) fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|it| Code::from_bytes(it.as_bytes()))
}

fn span(method: &Method, request: &Request, id: &RequestId) -> Span {
    let span = tracing::info_span!(
        parent: None,
        "grpc.call",
        otel.name = method.name,
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = method.service,
        rpc.method = method.method,
        rpc.grpc.status_code = Empty,
        user.id = Empty,
        request_id = id.as_str(),
        trace_id = Empty,
    );
    trace_context::begin(&span, caller(request.headers()).as_ref());
    span
}

/// The caller's trace, if what it says of one makes sense.
fn caller(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?;
    let states = headers.get_all(TRACESTATE).iter().map(|it| it.to_str());
    let state = states.collect::<Result<Vec<_>, _>>().unwrap_or_default().join(",");
    TraceContext::parse(parent.to_str().ok()?, Some(&state))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parsed(headers: &[(&'static str, &'static str)]) -> Option<TraceContext> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        caller(&map)
    }

    #[test]
    fn the_parts_of_a_state_are_one() {
        let context =
            parsed(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]);
        assert_eq!(context.unwrap().state(), Some("a=1,b=2"));
        assert_eq!(parsed(&[("traceparent", PARENT)]).unwrap().state(), None);
    }

    #[test]
    fn two_parents_are_none() {
        assert_eq!(parsed(&[("traceparent", PARENT), ("traceparent", PARENT)]), None);
        assert_eq!(parsed(&[]), None);
    }
}
