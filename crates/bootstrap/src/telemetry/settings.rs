//! What is told to whom: OpenTelemetry's own variables, as far as there is something to set, and
//! the log's.

use anyhow::{Context as _, bail};
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SpanExporter as _};
use percent_encoding::percent_decode_str;
use url::Url;

use super::{collector, levels::Log};
use crate::Secret;

/// How the names of gRPC's headers end that hold no text.
const OF_BYTES: &str = "-bin";

#[derive(Clone, Debug, Args)]
pub struct Telemetry {
    /// Where traces are sent, by OTLP over gRPC, as <http://host:4317> or with https; nowhere if
    /// it is empty
    #[arg(long, env, default_value = "", hide_default_value = true, value_parser = endpoint)]
    otel_exporter_otlp_endpoint: String,

    /// What is sent along, a key for example, as NAME=VALUE with commas between
    #[arg(long, env, hide_env_values = true)]
    otel_exporter_otlp_headers: Option<Secret>,

    /// Which part of the traces that begin here is sent, from 0 to 1; those that callers have
    /// begun are sent as they say
    #[arg(long, env, default_value = "1", value_parser = ratio)]
    otel_traces_sampler_arg: f64,

    /// What the service is called in traces; its own name if it is empty
    #[arg(long, env, default_value = "", hide_default_value = true, value_parser = service_name)]
    otel_service_name: String,

    #[command(flatten)]
    log: Log,
}

/// Nothing is sent.
impl Default for Telemetry {
    fn default() -> Self {
        Self {
            otel_exporter_otlp_endpoint: String::new(),
            otel_exporter_otlp_headers: None,
            otel_traces_sampler_arg: 1.0,
            otel_service_name: String::new(),
            log: Log::default(),
        }
    }
}

/// Nothing is sent, either.
impl From<Log> for Telemetry {
    fn from(log: Log) -> Self {
        Self { log, ..Self::default() }
    }
}

impl Telemetry {
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    pub(super) fn sampled(&self) -> f64 {
        self.otel_traces_sampler_arg
    }

    pub(super) fn service_name(&self) -> Option<&str> {
        Some(self.otel_service_name.as_str()).filter(|it| !it.is_empty())
    }

    /// What sends spans, if there is where to.
    pub(super) fn exporter(&self, resource: &Resource) -> anyhow::Result<Option<SpanExporter>> {
        let list = self.otel_exporter_otlp_headers.as_ref().map_or("", Secret::expose);
        let headers = headers(list).context("OTEL_EXPORTER_OTLP_HEADERS")?;
        if self.otel_exporter_otlp_endpoint.is_empty() {
            return Ok(None);
        }
        let exporter = collector::exporter(&self.otel_exporter_otlp_endpoint, headers);
        let mut exporter = exporter.context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        exporter.set_resource(resource);
        Ok(Some(exporter))
    }
}

fn endpoint(value: &str) -> Result<String, &'static str> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let url: Url = value.parse().map_err(|_| "it is not a URL")?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("it must be as http://host:4317 or https://host:4317");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a secret belongs into OTEL_EXPORTER_OTLP_HEADERS");
    }
    Ok(value.to_owned())
}

fn service_name(value: &str) -> Result<String, &'static str> {
    if value != value.trim() || value.contains(char::is_control) {
        return Err("it must have no blank around it, and no control character");
    }
    Ok(value.to_owned())
}

fn ratio(value: &str) -> Result<f64, &'static str> {
    let ratio = value.parse().ok().filter(|it| (0.0..=1.0).contains(it));
    ratio.ok_or("it must be a number from 0 to 1")
}

/// Values may be percent-encoded. None is ever printed.
fn headers(list: &str) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (number, pair) in (1..).zip(list.split(',').map(str::trim)) {
        if pair.is_empty() {
            continue;
        }
        let Some((name, value)) = pair.split_once('=') else {
            bail!("header {number} is not NAME=VALUE");
        };
        let name = HeaderName::try_from(name.trim()).ok();
        let name = name.filter(|it| !it.as_str().ends_with(OF_BYTES));
        let name = name.with_context(|| format!("header {number} has no name for a text"))?;
        let value: Vec<u8> = percent_decode_str(value.trim()).collect();
        let value = HeaderValue::from_bytes(&value).ok().filter(|it| it.to_str().is_ok());
        let value = value.with_context(|| format!("the value of header {number} is not ASCII"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        telemetry: Telemetry,
    }

    fn parse(arguments: &[&str]) -> Result<Telemetry, clap::Error> {
        let command = Command::try_parse_from(["command"].iter().chain(arguments))?;
        Ok(command.telemetry)
    }

    #[track_caller]
    fn check_refused(argument: &str, name: &str) {
        let error = match parse(&[argument]) {
            Ok(telemetry) => {
                let resource = Resource::builder().build();
                format!("{:#}", telemetry.exporter(&resource).unwrap_err())
            }
            Err(error) => error.to_string(),
        };
        assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_by_name_and_no_secret_is_printed() {
        for bad in ["collector:4317", "ftp://collector", "http://"] {
            let argument = format!("--otel-exporter-otlp-endpoint={bad}");
            check_refused(&argument, "--otel-exporter-otlp-endpoint");
        }
        for bad in ["-0.1", "1.1", "NaN", "half"] {
            let argument = format!("--otel-traces-sampler-arg={bad}");
            check_refused(&argument, "--otel-traces-sampler-arg");
        }
        for bad in
            ["hunter2", "a=b,hunter2", "a b=hunter2", "=hunter2", "a-bin=hunter2", "a=hunter2%0a"]
        {
            let argument = format!("--otel-exporter-otlp-headers={bad}");
            check_refused(&argument, "OTEL_EXPORTER_OTLP_HEADERS");
        }
    }

    #[test]
    fn what_is_empty_is_not_set() {
        let telemetry = parse(&["--otel-exporter-otlp-endpoint=", "--otel-service-name="]);

        let telemetry = telemetry.unwrap();
        assert!(telemetry.exporter(&Resource::builder().build()).unwrap().is_none());
        assert_eq!((telemetry.sampled(), telemetry.service_name()), (1.0, None));
    }

    #[test]
    fn headers_are_pairs_whose_values_may_be_percent_encoded() {
        let headers = headers("Authorization=Bearer%20a%3Db, x-scope=1,").unwrap();

        assert_eq!(headers.get("authorization").unwrap(), "Bearer a=b");
        assert_eq!(headers.get("x-scope").unwrap(), "1");
        assert_eq!(headers.len(), 2);
    }
}
