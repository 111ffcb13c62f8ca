//! Workers, of which a test has as many as it starts.

use std::{sync::Arc, time::Duration};

use model::{Models, Provider};
use run_queue::{Listeners, Publisher};
use run_worker::Worker;
use sources::Sources;
use storage::{Database, runs::Terms};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{DRAIN, Harness, TERMS};

/// How a worker works.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub concurrency: u16,
    /// How long after it was told to stop it hands its runs over.
    pub drain: Duration,
    pub terms: Terms,
}

impl Default for Manner {
    fn default() -> Self {
        Self { concurrency: 4, drain: DRAIN, terms: TERMS }
    }
}

/// A worker; stops when dropped, whatever it is doing.
pub(crate) struct RunningWorker {
    task: JoinHandle<()>,
    shutdown: CancellationToken,
}

impl RunningWorker {
    /// Tells it to stop.
    pub(crate) fn tell_to_stop(&self) {
        self.shutdown.cancel();
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        (&mut self.task).await.expect("a worker does not panic");
    }
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Harness {
    /// Starts a worker.
    pub(crate) fn worker(&self, provider: impl Provider, concurrency: u16) -> RunningWorker {
        self.worker_in(provider, Manner { concurrency, ..Manner::default() })
    }

    /// Starts a worker that hands its runs over `drain` after it was told to stop.
    pub(crate) fn draining_worker(
        &self,
        provider: impl Provider,
        concurrency: u16,
        drain: Duration,
    ) -> RunningWorker {
        self.worker_in(provider, Manner { concurrency, drain, ..Manner::default() })
    }

    pub(crate) fn worker_in(&self, provider: impl Provider, manner: Manner) -> RunningWorker {
        self.worker_on(self.db.clone(), self.nats.clone(), provider, manner)
    }

    /// Starts a worker with connections of its own, as another process has them.
    pub(crate) async fn separate_worker(
        &self,
        provider: impl Provider,
        manner: Manner,
    ) -> RunningWorker {
        let (sources, nats) = (self.separate_sources().await, self.separate_nats().await);
        self.worker_with(sources, nats, provider, manner)
    }

    fn worker_on(
        &self,
        db: Database,
        nats: async_nats::Client,
        provider: impl Provider,
        manner: Manner,
    ) -> RunningWorker {
        self.worker_with(Sources { db, ..self.sources.clone() }, nats, provider, manner)
    }

    pub(crate) fn worker_with(
        &self,
        sources: Sources,
        nats: async_nats::Client,
        provider: impl Provider,
        manner: Manner,
    ) -> RunningWorker {
        let models = Models::default().with(Models::BUILTIN, Arc::new(provider));
        let worker = Worker {
            publisher: Publisher::new(nats.clone(), self.names.clone()),
            names: self.names.clone(),
            db: sources.db.clone(),
            sources,
            embedder: models.embedder(Models::BUILTIN).expect("it is there"),
            models,
            terms: manner.terms,
            cancels: Listeners::new(1),
            nats,
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(worker.run(manner.concurrency, manner.drain, shutdown.clone()));
        RunningWorker { task, shutdown }
    }
}
