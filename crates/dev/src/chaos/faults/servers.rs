//! Faults of the servers, and of the ways to them.

use std::{mem, time::Duration};

use async_nats::{HeaderMap, jetstream};
use nix::sys::signal::Signal;
use rand::Rng as _;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::StreamExt as _;

use super::Injector;
use crate::{
    chaos::{ask::Probe, event_log},
    servers::nats,
};

const WAKE_UPS: &str = "runs.wake-up";
/// Tells our copies from the messages that they are of.
const COPY: &str = "Chaos-Copy";
const COPIES: usize = 2;
/// How long it may take after NATS has returned until a run that is due has ended.
const NATS_LIMIT: Duration = Duration::from_secs(5);

impl Injector<'_> {
    pub(super) async fn stop_nats(&mut self) -> anyhow::Result<()> {
        let away = Duration::from_secs(if self.is_quick { 5 } else { 60 });
        self.cluster.stop_nats().await?;
        sleep(away / 2).await;
        let run_id = self.probe(Probe::Light).await;
        sleep(away / 2).await;
        self.cluster.start_nats().await?;
        self.measure_end("return of NATS", run_id, Some(NATS_LIMIT)).await
    }

    pub(super) async fn restart_postgres(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.cluster.stop_postgres(signal).await?;
        self.cluster.start_postgres().await?;
        let run_id = self.probe(Probe::Light).await;
        self.measure_end("restart of Postgres", run_id, None).await
    }

    pub(super) async fn wipe_streams(&mut self) -> anyhow::Result<()> {
        let url = self.cluster.nats_url();
        let mut logs = mem::take(&mut *self.load.facts.logs());
        event_log::read(&url, &mut logs).await?;
        *self.load.facts.logs() = logs;
        let jetstream = jetstream::new(nats::connect(&url).await?);
        let mut names = jetstream.stream_names();
        while let Some(name) = names.try_next().await? {
            jetstream.delete_stream(name).await?;
        }
        event_log::await_stream(&url).await?;
        let Some(run_id) = self.probe(Probe::Light).await else { return Ok(()) };
        self.await_end(run_id).await.map(drop)
    }

    pub(super) async fn cut_connections(&mut self) -> anyhow::Result<()> {
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname IN ('tertulia', 'tertulia_datasets') AND usename <> 'postgres'";
        self.cluster.database.rows(terminate, &[]).await?;
        sleep(Duration::from_millis(500)).await;
        let index = self.random.random_range(0..self.cluster.children.len());
        self.cluster.children[index].nats.cut();
        self.cluster.children[index].postgres.cut();
        let Some(run_id) = self.probe(Probe::Light).await else { return Ok(()) };
        self.await_end(run_id).await.map(drop)
    }

    /// The copies have no id by which the stream would drop them.
    pub(super) async fn duplicate(&mut self) -> anyhow::Result<()> {
        let client = nats::connect(&self.cluster.nats_url()).await?;
        let mut messages = client.subscribe(WAKE_UPS).await?;
        let deadline = Instant::now() + Duration::from_secs(if self.is_quick { 3 } else { 12 });
        self.probe(Probe::Light).await;
        while let Ok(Some(message)) =
            timeout(deadline.saturating_duration_since(Instant::now()), messages.next()).await
        {
            if message.headers.is_some_and(|headers| headers.get(COPY).is_some()) {
                continue;
            }
            let mut headers = HeaderMap::new();
            headers.insert(COPY, "yes");
            for _ in 0..COPIES {
                let copy = message.payload.clone();
                client.publish_with_headers(WAKE_UPS, headers.clone(), copy).await?;
            }
        }
        Ok(())
    }

    /// Measures from now until a run has ended.
    async fn measure_end(
        &self,
        fault: &str,
        run_id: Option<i64>,
        limit: Option<Duration>,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        if let Some(run_id) = run_id
            && self.await_end(run_id).await?
        {
            self.load.facts.recovered(fault, began.elapsed(), limit);
        }
        Ok(())
    }
}
