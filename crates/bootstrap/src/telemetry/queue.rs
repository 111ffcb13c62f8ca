//! Spans on their way to the collector: so many wait, the rest is dropped. Nobody waits for it,
//! and one that is away is warned of once in a while.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter, SpanProcessor},
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::CancellationToken;

/// How many spans wait.
const WAITING: usize = 4096;
/// How many are sent together.
const BATCH: usize = 512;
/// For how long they are gathered.
const GATHERING: Duration = Duration::from_secs(1);
/// How long sending the last ones may take at the process' end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How often the same is warned of.
const QUIET: Duration = Duration::from_secs(600);

/// Where spans go that have ended.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    dropped: Arc<AtomicU64>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() && self.spans.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends spans until it is finished.
#[derive(Debug)]
pub(crate) struct Exporting {
    task: JoinHandle<()>,
    ending: CancellationToken,
}

impl Exporting {
    /// Sends what is left, within bounds.
    pub(crate) async fn finish(self) {
        self.ending.cancel();
        if time::timeout(FAREWELL, self.task).await.is_err() {
            tracing::warn!("the last spans were not sent in time");
        }
    }
}

pub(super) fn start(exporter: impl SpanExporter + 'static) -> (Queue, Exporting) {
    let (sender, spans) = mpsc::channel(WAITING);
    let (dropped, ending) = (Arc::<AtomicU64>::default(), CancellationToken::new());
    let losses = Losses { dropped: Arc::clone(&dropped), lost: 0, warned_at: None };
    let task = tokio::spawn(export(exporter, spans, losses, ending.clone()));
    (Queue { spans: sender, dropped }, Exporting { task, ending })
}

async fn export(
    exporter: impl SpanExporter,
    mut spans: mpsc::Receiver<SpanData>,
    mut losses: Losses,
    ending: CancellationToken,
) {
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = gather(&mut spans, &mut batch) => (),
            () = ending.cancelled(), if !spans.is_closed() => {
                spans.close();
                continue;
            }
        }
        if batch.is_empty() {
            return;
        }
        let count = batch.len() as u64;
        losses.note(count, exporter.export(mem::take(&mut batch)).await);
    }
}

/// Adds what comes to the batch; nothing once there will be nothing any more.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    if batch.is_empty() && spans.recv_many(batch, BATCH).await == 0 {
        return;
    }
    let more = async {
        while batch.len() < BATCH && 0 < spans.recv_many(batch, BATCH - batch.len()).await {}
    };
    // What has come by then is in the batch.
    let _ = time::timeout(GATHERING, more).await;
}

/// Spans that nobody will see.
struct Losses {
    dropped: Arc<AtomicU64>,
    lost: u64,
    warned_at: Option<Instant>,
}

impl Losses {
    fn note(&mut self, count: u64, exported: OTelSdkResult) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        self.lost += dropped;
        let problem = match exported {
            Ok(()) if dropped == 0 => return self.recover(),
            Ok(()) => "there are more than can be sent".to_owned(),
            Err(error) => {
                self.lost += count;
                error.to_string()
            }
        };
        if self.warned_at.is_none_or(|it| QUIET <= it.elapsed()) {
            self.warned_at = Some(Instant::now());
            tracing::warn!(lost = self.lost, problem, "spans are lost on the way to the collector");
        }
    }

    fn recover(&mut self) {
        if self.warned_at.take().is_some() {
            tracing::info!(lost = self.lost, "spans arrive at the collector again");
            self.lost = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// One that gets no answer.
    #[derive(Debug)]
    struct Stuck;

    impl SpanExporter for Stuck {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            pending().await
        }
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_counted_and_keeps_nobody_waiting() {
        let (queue, exporting) = start(Stuck);
        let dropped = Arc::clone(&queue.dropped);
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");

        for _ in 0..WAITING + 7 {
            tracer.start("span").end();
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 7);

        let asked_at = Instant::now();
        exporting.finish().await;
        assert!(asked_at.elapsed() < FAREWELL * 2);
    }
}
