//! What a process tells about itself: lines in its log, and spans to a collector.

mod collector;
mod lines;
pub(crate) mod panics;
mod queue;
mod sampling;
mod settings;

use anyhow::Context as _;
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    registry,
    util::SubscriberInitExt as _,
};
use uuid::Builder;

pub use settings::Telemetry;

use lines::Lines;
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

/// Begins to tell. Without a collector spans leave no trace but the id that is in the log, and
/// in what is sent on.
pub(crate) fn begin(service: &str, telemetry: &Telemetry) -> anyhow::Result<Option<Exporting>> {
    let lines = EnvFilter::builder().with_default_directive(Level::INFO.into()).from_env();
    // Whatever lines are wanted, they have the ids that their spans have.
    let lines = lines.context("RUST_LOG")?.or(filter_fn(is_followed));

    let resource = resource(service, telemetry);
    let collected = telemetry.exporter(&resource)?.map(|exporter| {
        let (queue, exporting) = queue::start(exporter);
        let sampler = Sampler::parent_based(Beginnings::sampled(telemetry.sampled()));
        let provider = SdkTracerProvider::builder().with_resource(resource).with_sampler(sampler);
        (provider.with_span_processor(queue).build(), exporting)
    });
    let (provider, exporting) = collected.unzip();
    // One that is an `Option` would have every event of every crate looked at.
    let mut layers = vec![Lines.with_filter(lines).boxed()];
    layers.extend(provider.map(|provider| collecting(&provider).boxed()));
    registry().with(layers).init();
    Ok(exporting)
}

fn collecting(provider: &SdkTracerProvider) -> impl Layer<Registry> {
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
    let name = metadata.target().split("::").next().unwrap_or_default();
    metadata.is_span() && *metadata.level() <= Level::INFO && OURS.contains(&name)
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
