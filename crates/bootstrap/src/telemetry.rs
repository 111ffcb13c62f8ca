//! What a process tells about itself: lines in its log, and spans to a collector.

mod collector;
mod levels;
mod lines;
pub(crate) mod panics;
mod queue;
mod sampling;
mod settings;

use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer, Registry,
    filter::{FilterFn, LevelFilter, filter_fn},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};
use uuid::Builder;

pub use levels::Log;
pub use settings::Telemetry;

use lines::{Lines, ids};
use queue::Exporting;
use sampling::Beginnings;

/// The crates whose spans are followed.
const OURS: [&str; 8] = [
    "bootstrap",
    "data_source",
    "model",
    "run_queue",
    "run_worker",
    "session_service",
    "sources",
    "storage",
];

/// Whose spans, one for each statement, are for traces alone: what there is to tell of a statement
/// is told by those who have it executed, in spans of their own, or names its ids itself.
const UNTOLD: &str = "storage";

/// Begins to tell. Without a collector spans leave no trace but the id that is in the log, and
/// in what is sent on.
pub(crate) fn begin(service: &str, telemetry: &Telemetry) -> anyhow::Result<Option<Exporting>> {
    let lines = to_log(telemetry.log().clone());
    let resource = resource(service, telemetry);
    let Some(exporter) = telemetry.exporter(&resource)? else {
        // A filter of its own would be asked whenever a span is entered and left.
        Registry::default().with(lines).with(Lines).init();
        return Ok(None);
    };
    let (queue, exporting) = queue::start(exporter);
    let sampler = Sampler::parent_based(Beginnings::sampled(telemetry.sampled()));
    let provider = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampler);
    let provider = provider.with_span_processor(queue).build();
    Registry::default().with(Lines.with_filter(lines)).with(collecting(&provider)).init();
    Ok(Some(exporting))
}

/// Whatever lines are wanted, they have the ids that their spans have, but for those of
/// statements; spans are of no other use to them.
fn to_log(log: Log) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let most = log.most().max(LevelFilter::INFO);
    let wanted = move |it: &Metadata<'_>| match it.is_span() {
        true => is_followed(it) && name_of_crate(it) != UNTOLD && ids::are_in(it),
        false => log.wants(it),
    };
    filter_fn(wanted).with_max_level_hint(most)
}

fn collecting<S>(provider: &SdkTracerProvider) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("tertulia"))
        .with_context_activation(false)
        .with_tracked_inactivity(false)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        // Events stay out of spans: they are in the log, with the trace's id.
        .with_filter(sampling::collected())
}

fn is_followed(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && *metadata.level() <= Level::INFO
        && OURS.contains(&name_of_crate(metadata))
}

fn name_of_crate<'a>(metadata: &Metadata<'a>) -> &'a str {
    metadata.target().split("::").next().unwrap_or_default()
}

/// Whose spans they are; `OTEL_RESOURCE_ATTRIBUTES` adds to it.
fn resource(service: &str, telemetry: &Telemetry) -> Resource {
    let instance = Builder::from_random_bytes(rand::random()).into_uuid().to_string();
    Resource::builder()
        .with_service_name(telemetry.service_name().unwrap_or(service).to_owned())
        .with_attribute(KeyValue::new("service.namespace", "tertulia"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}
