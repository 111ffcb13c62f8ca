//! Where a trace may begin.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

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
        parent: Option<&Context>,
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
