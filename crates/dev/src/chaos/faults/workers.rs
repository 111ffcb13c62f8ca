//! Faults at named points of a run's life in a worker.

use std::time::Duration;

use nix::sys::signal::Signal;
use rand::Rng as _;
use tokio::time::sleep;

use super::{Injector, PATIENCE};
use crate::chaos::{ask::Probe, child::LEASE, proxy::Hold};

impl Injector<'_> {
    pub(super) async fn kill_after_claim(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::Heavy).await else { return Ok(()) };
        let Some(worker) = self.claimant(run_id).await? else { return Ok(()) };
        self.kill(worker).await?;
        self.await_end(run_id).await.map(drop)
    }

    pub(super) async fn kill_executing(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::Heavy).await else { return Ok(()) };
        let executing = "SELECT 1 FROM pg_stat_activity
            WHERE state = 'active' AND datname = 'tertulia_datasets' AND query ~ 'run_1\\d{6}'";
        self.expect("a heavy statement at the data source", executing, &[]).await?;
        let Some(worker) = self.claimant(run_id).await? else { return Ok(()) };
        self.kill(worker).await?;
        self.await_end(run_id).await.map(drop)
    }

    pub(super) async fn kill_before_commit(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::SlowCommit).await else { return Ok(()) };
        if let Some(worker) = self.committing().await? {
            self.kill(worker).await?;
        }
        self.await_end(run_id).await.map(drop)
    }

    /// Holds the worker's words to NATS back, so that the wake-up is never acknowledged.
    pub(super) async fn kill_before_ack(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::Heavy).await else { return Ok(()) };
        let Some(worker) = self.claimant(run_id).await? else { return Ok(()) };
        self.cluster.children[worker].nats.hold(Hold::ToServer);
        self.await_end(run_id).await?;
        self.kill(worker).await
    }

    /// Stops a worker until its run is another's, and lets both go on at once.
    pub(super) async fn pause(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::Heavy).await else { return Ok(()) };
        let Some(worker) = self.claimant(run_id).await? else { return Ok(()) };
        self.record_hit(worker, false).await?;
        self.cluster.children[worker].signal(Signal::SIGSTOP)?;
        let again = "SELECT 1 FROM chaos.claims WHERE run_id = $1 OFFSET 1";
        self.expect(&format!("a second claim of run {run_id}"), again, &[&run_id]).await?;
        if self.random.random_bool(0.3) {
            self.await_end(run_id).await?;
        }
        self.cluster.children[worker].signal(Signal::SIGCONT)?;
        self.await_end(run_id).await.map(drop)
    }

    pub(super) async fn pause_before_commit(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::SlowCommit).await else { return Ok(()) };
        if let Some(worker) = self.committing().await? {
            self.record_hit(worker, false).await?;
            self.cluster.children[worker].signal(Signal::SIGSTOP)?;
            sleep(LEASE + Duration::from_secs(3)).await;
            self.cluster.children[worker].signal(Signal::SIGCONT)?;
        }
        self.await_end(run_id).await.map(drop)
    }

    pub(super) async fn cut_off(&mut self) -> anyhow::Result<()> {
        let Some(run_id) = self.probe(Probe::Heavy).await else { return Ok(()) };
        let Some(worker) = self.claimant(run_id).await? else { return Ok(()) };
        self.record_hit(worker, false).await?;
        self.cluster.children[worker].postgres.hold(Hold::Everything);
        sleep(LEASE + Duration::from_secs(3)).await;
        self.cluster.children[worker].postgres.hold(Hold::Nothing);
        self.await_end(run_id).await.map(drop)
    }

    /// The worker that is in the slow transaction.
    async fn committing(&self) -> anyhow::Result<Option<usize>> {
        let query = "SELECT usename::text FROM pg_stat_activity
            WHERE wait_event = 'PgSleep' AND usename LIKE 'chaos_worker%'";
        let role: Option<String> = self.cluster.database.await_value(query, &[], PATIENCE).await?;
        let worker = role.and_then(|role| self.cluster.find(&role));
        if worker.is_none() {
            self.odd("not seen: a worker in the slow transaction");
        }
        Ok(worker)
    }
}
