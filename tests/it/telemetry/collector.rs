//! A collector as OpenTelemetry describes it, that keeps what it gets.

use std::{collections::HashSet, net::SocketAddr};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{Span, span::SpanKind},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, metadata::MetadataMap, transport::Server};

/// A span, with what its process says of itself.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub resource: Vec<KeyValue>,
    pub span: Span,
}

#[derive(Clone, Default)]
struct Kept {
    spans: Vec<Received>,
    metadata: Vec<MetadataMap>,
}

pub(super) struct Collector {
    address: SocketAddr,
    kept: watch::Receiver<Kept>,
    serving: JoinHandle<()>,
}

struct Keeper(watch::Sender<Kept>);

#[tonic::async_trait]
impl TraceService for Keeper {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        self.0.send_modify(|kept| {
            kept.metadata.push(metadata);
            for of_resource in message.resource_spans {
                let resource = of_resource.resource.unwrap_or_default().attributes;
                let spans = of_resource.scope_spans.into_iter().flat_map(|it| it.spans);
                let received = spans.map(|span| Received { resource: resource.clone(), span });
                kept.spans.extend(received);
            }
        });
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (sender, kept) = watch::channel(Kept::default());
        let service = TraceServiceServer::new(Keeper(sender));
        let serving = Server::builder().add_service(service);
        let serving = serving.serve_with_incoming(TcpListenerStream::new(listener));
        let serving = tokio::spawn(async { serving.await.expect("it serves until it is dropped") });
        Self { address, kept, serving }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn spans(&self) -> Vec<Received> {
        self.kept.borrow().spans.clone()
    }

    pub(super) fn metadata(&self) -> Vec<MetadataMap> {
        self.kept.borrow().metadata.clone()
    }

    pub(super) fn trace(&self, trace_id: &str) -> Trace {
        let spans = self.spans().into_iter();
        Trace(spans.filter(|it| hex(&it.span.trace_id) == trace_id).collect())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The spans of a trace.
#[derive(Clone, Debug)]
pub(super) struct Trace(pub Vec<Received>);

impl Trace {
    /// The only span that is called so.
    #[track_caller]
    pub(super) fn one(&self, name: &str) -> &Received {
        match self.all(name)[..] {
            [one] => one,
            _ => panic!("{name} is not one of {:?}", self.names()),
        }
    }

    pub(super) fn all(&self, name: &str) -> Vec<&Received> {
        self.0.iter().filter(|it| it.span.name == name).collect()
    }

    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|it| it.span.name.as_str()).collect()
    }

    /// Each span's parent is there, or is this one.
    #[track_caller]
    pub(super) fn assert_whole(&self, caller: &str) {
        let ids: HashSet<String> = self.0.iter().map(Received::id).collect();
        for it in &self.0 {
            let parent = it.parent();
            assert!(parent == caller || ids.contains(&parent), "{} is an orphan", it.span.name);
        }
    }

    /// Whether a span lies below another, at whatever depth.
    pub(super) fn is_below(&self, span: &Received, above: &Received) -> bool {
        let mut parent = span.parent();
        while let Some(it) = self.0.iter().find(|it| it.id() == parent) {
            if it.id() == above.id() {
                return true;
            }
            parent = it.parent();
        }
        false
    }
}

impl Received {
    pub(super) fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    pub(super) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    pub(super) fn kind(&self) -> SpanKind {
        self.span.kind()
    }

    /// Which service it is of.
    pub(super) fn service(&self) -> String {
        text(&self.resource, "service.name").expect("it is always there")
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(&self.span.attributes, name)
    }
}

/// An attribute, as a text whatever it is.
pub(super) fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let attribute = attributes.iter().find(|it| it.key == name)?;
    match attribute.value.as_ref()? {
        AnyValue { value: Some(Value::StringValue(text)) } => Some(text.clone()),
        AnyValue { value: Some(Value::IntValue(number)) } => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
