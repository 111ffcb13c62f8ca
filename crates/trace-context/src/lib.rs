//! Where a trace goes on, in the form of W3C: in a call's metadata, in a run's row, on the queue
//! and in a request to a model.

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator as _},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Registry, registry::LookupSpan as _};

/// The names of the headers that carry it.
pub const TRACEPARENT: &str = "traceparent";
pub const TRACESTATE: &str = "tracestate";

/// W3C's own bound on how much of it has to be passed on.
const MAX_STATE_BYTES: usize = 512;
/// How many digits the parts of a `traceparent` have: version, trace, span and flags.
const DIGITS: [usize; 4] = [2, 32, 16, 2];

/// The flags of what nobody wants to see.
const UNSAMPLED: &str = "00";

/// A span that others can be children of, here or elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    parent: String,
    state: Option<String>,
}

impl TraceContext {
    /// `None` if the parent is not what W3C describes. A state that is not is left out.
    pub fn parse(parent: &str, state: Option<&str>) -> Option<Self> {
        // The library takes more for numbers than these digits.
        if !is_well_formed(parent) {
            return None;
        }
        let state = state.filter(|it| it.len() <= MAX_STATE_BYTES).map(str::to_owned);
        let carried = Self { parent: parent.to_owned(), state };
        Self::of_context(&carried.to_context())
    }

    /// The beginning of a trace that nobody collects, or where a trace goes on that nobody
    /// collects here.
    fn uncollected(parent: Option<&Self>) -> Self {
        let span_id = rand::random_range(1..=u64::MAX);
        match parent {
            Some(parent) => Self {
                parent: format!("00-{}-{span_id:016x}-{UNSAMPLED}", parent.trace_id()),
                state: parent.state.clone(),
            },
            None => {
                let trace_id = rand::random_range(1..=u128::MAX);
                Self {
                    parent: format!("00-{trace_id:032x}-{span_id:016x}-{UNSAMPLED}"),
                    state: None,
                }
            }
        }
    }

    /// That of a span, or of what is around it if it is not followed itself.
    pub fn of(span: &Span) -> Option<Self> {
        // One that is not sampled may have begun a trace that nobody knows.
        match Self::of_context(&span.context()) {
            Some(followed) if followed.is_sampled() => Some(followed),
            other => kept(span).or(other),
        }
    }

    /// That of the span in which this is called.
    pub fn current() -> Option<Self> {
        Self::of(&Span::current())
    }

    fn of_context(context: &Context) -> Option<Self> {
        let mut carried = Self { parent: String::new(), state: None };
        TraceContextPropagator::new().inject_context(context, &mut carried);
        (!carried.parent.is_empty()).then_some(carried)
    }

    /// As `traceparent` has it.
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// As `tracestate` has it.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    pub fn trace_id(&self) -> &str {
        self.parent.split('-').nth(1).unwrap_or_default()
    }

    /// The headers that carry it.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let state = self.state().map(|state| (TRACESTATE, state));
        [(TRACEPARENT, self.parent())].into_iter().chain(state)
    }

    /// Whether somebody wants to see it.
    pub fn is_sampled(&self) -> bool {
        !self.parent.ends_with(UNSAMPLED)
    }

    fn to_context(&self) -> Context {
        TraceContextPropagator::new().extract(self)
    }
}

impl Extractor for TraceContext {
    fn get(&self, name: &str) -> Option<&str> {
        self.headers().find_map(|(it, value)| (it == name).then_some(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.headers().map(|(name, _)| name).collect()
    }
}

impl Injector for TraceContext {
    fn set(&mut self, name: &str, value: String) {
        match name {
            TRACEPARENT => self.parent = value,
            TRACESTATE => self.state = Some(value).filter(|it| !it.is_empty()),
            _ => (),
        }
    }
}

/// Whether the parts are there; versions to come may have more.
fn is_well_formed(parent: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let mut parts = parent.split('-');
    DIGITS.iter().all(|digits| {
        parts.next().is_some_and(|it| it.len() == *digits && it.bytes().all(is_digit))
    })
}

/// Makes a span that has not begun a child of `parent`, or the first of a trace, and notes the
/// trace's id in its field `trace_id`. A trace is there also where nobody collects spans.
pub fn begin(span: &Span, parent: Option<&TraceContext>) {
    if let Some(parent) = parent {
        // It fails where nobody follows traces.
        let _ = span.set_parent(parent.to_context());
    }
    let context = TraceContext::of_context(&span.context());
    let context = context.unwrap_or_else(|| TraceContext::uncollected(parent));
    span.record("trace_id", context.trace_id());
    keep(span, context);
}

/// Has a span keep its trace.
fn keep(span: &Span, context: TraceContext) {
    span.with_subscriber(|(id, subscriber)| {
        let spans = subscriber.downcast_ref::<Registry>();
        if let Some(span) = spans.and_then(|it| it.span(id)) {
            span.extensions_mut().replace(context);
        }
    });
}

/// What the span keeps, or the nearest one around it.
fn kept(span: &Span) -> Option<TraceContext> {
    let kept = span.with_subscriber(|(id, subscriber)| {
        let span = subscriber.downcast_ref::<Registry>()?.span(id)?;
        span.scope().find_map(|it| it.extensions().get::<TraceContext>().cloned())
    });
    kept.flatten()
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::{layer::SubscriberExt as _, registry};

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn context() -> TraceContext {
        TraceContext::parse(PARENT, Some("a=1")).unwrap()
    }

    #[test]
    fn what_w3c_describes_is_read_and_written_alike() {
        let context = context();

        assert_eq!((context.parent(), context.state()), (PARENT, Some("a=1")));
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn what_w3c_does_not_describe_is_nothing() {
        for bad in [
            "",
            "junk",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-zf7651916cd43dd8448eb211c80319cé-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_bad_state_costs_the_state_alone() {
        for bad in ["no pair", &format!("a={}", "1".repeat(MAX_STATE_BYTES))] {
            let context = TraceContext::parse(PARENT, Some(bad)).unwrap();
            assert_eq!((context.parent(), context.state()), (PARENT, None));
        }
    }

    #[test]
    fn a_span_goes_on_with_the_trace_of_its_parent() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(registry().with(layer), || {
            let span = tracing::info_span!("child", trace_id = tracing::field::Empty);
            begin(&span, Some(&context()));

            let child = TraceContext::of(&span).unwrap();
            assert_eq!((child.trace_id(), child.state()), (context().trace_id(), Some("a=1")));
            assert_ne!(child.parent(), PARENT);
        });
    }
}
