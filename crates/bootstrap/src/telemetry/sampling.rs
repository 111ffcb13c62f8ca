//! Where a trace may begin, and which spans are collected then.

use opentelemetry::{
    KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use trace_context::TraceContext;
use tracing::{Metadata, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    filter::dynamic_filter_fn,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::is_followed;

/// The spans that are collected. What is inside of one that nobody wants to see is not, unless
/// it goes on with a trace of its own.
pub(super) fn collected<S>() -> impl Filter<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let collected = dynamic_filter_fn(|metadata: &Metadata<'_>, context: &Context<'_, S>| {
        is_followed(metadata) && (begins(metadata) || is_wanted(context))
    });
    collected.with_max_level_hint(LevelFilter::INFO)
}

fn begins(metadata: &Metadata<'_>) -> bool {
    metadata.fields().field("trace_id").is_some()
}

fn is_wanted<S>(context: &Context<'_, S>) -> bool
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(around) = context.lookup_current() else { return true };
    let begun =
        around.scope().find_map(|it| Some(it.extensions().get::<TraceContext>()?.is_sampled()));
    begun.unwrap_or(true)
}

/// Which traces begin here: those of calls, and of work that waited in a queue. What the
/// process does for itself again and again is none.
#[derive(Clone, Debug)]
pub(super) struct Beginnings(Sampler);

impl Beginnings {
    /// `ratio` of them are sampled.
    pub(super) fn sampled(ratio: f64) -> Self {
        Self(Sampler::TraceIdRatioBased(ratio))
    }
}

impl ShouldSample for Beginnings {
    fn should_sample(
        &self,
        parent: Option<&opentelemetry::Context>,
        trace_id: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let sampled = self.0.should_sample(parent, trace_id, name, kind, attributes, links);
        match kind {
            SpanKind::Server | SpanKind::Consumer => sampled,
            SpanKind::Client | SpanKind::Producer | SpanKind::Internal => {
                SamplingResult { decision: SamplingDecision::Drop, ..sampled }
            }
        }
    }
}
