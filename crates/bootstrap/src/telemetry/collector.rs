//! How spans are sent.

use std::time::Duration;

use http::HeaderMap;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithTonicConfig as _,
    tonic_types::{metadata::MetadataMap, transport::ClientTlsConfig},
};

/// How long sending a batch may take, with what is tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing is waited for: it connects when there is something to send, again and again.
pub(super) fn exporter(
    endpoint: &str,
    headers: HeaderMap,
) -> Result<SpanExporter, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .with_metadata(MetadataMap::from_headers(headers))
        .with_timeout(PATIENCE);
    match endpoint.starts_with("https:") {
        true => exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()).build(),
        false => exporter.build(),
    }
}
