//! Faults of any process, and of services.

use std::time::Duration;

use rand::Rng as _;
use tokio::time;

use super::Injector;
use crate::chaos::{ask::Probe, child::Program, proxy::Hold};

/// How many long runs are started until one is claimed by a worker that is to be replaced.
const LONG_RUNS: usize = 4;
/// Runs that began sooner after another fault are not looked at: it may have touched them.
const AFTERMATH: Duration = Duration::from_millis(2_100);

impl Injector<'_> {
    /// What the service says to NATS is held back, and lost when it is killed.
    pub(super) async fn kill_before_publish(&mut self) -> anyhow::Result<()> {
        let service = self.any(Program::SessionService);
        self.cluster.children[service].nats.hold(Hold::ToServer);
        let index =
            self.cluster.indices(Program::SessionService).iter().position(|&i| i == service);
        let run_id = self.load.probe(Probe::Light, index.unwrap_or_default()).await;
        self.kill(service).await?;
        match run_id {
            Some(run_id) => self.await_end(run_id).await.map(drop),
            None => {
                self.odd("a run was not acknowledged while a service was cut off from NATS");
                Ok(())
            }
        }
    }

    pub(super) async fn kill_any(&mut self) -> anyhow::Result<()> {
        let index = self.random.random_range(0..self.cluster.children.len());
        self.kill(index).await
    }

    /// Each worker has a run to hand over, as far as the harness can bring that about.
    pub(super) async fn rolling_restart(&mut self) -> anyhow::Result<()> {
        time::sleep(AFTERMATH).await;
        let mut workers = self.cluster.indices(Program::RunWorker);
        while !workers.is_empty() {
            let index = self.busy_one_of(&workers).await?;
            workers.retain(|worker| *worker != index);
            self.drain(index).await?;
        }
        for index in self.cluster.indices(Program::SessionService) {
            self.drain(index).await?;
        }
        Ok(())
    }

    /// One of these workers: one that has just claimed a long run, if one of them does.
    async fn busy_one_of(&mut self, workers: &[usize]) -> anyhow::Result<usize> {
        for _ in 0..LONG_RUNS {
            let Some(run_id) = self.probe(Probe::Long).await else { continue };
            let claimant = self.claimant(run_id).await?;
            if let Some(worker) = claimant.filter(|worker| workers.contains(worker)) {
                return Ok(worker);
            }
        }
        Ok(workers[0])
    }

    async fn drain(&mut self, index: usize) -> anyhow::Result<()> {
        let child = &mut self.cluster.children[index];
        let role = child.role();
        if !child.drain().await? {
            self.odd(&format!("{role} was told to end, and did not do so well or in time"));
        }
        self.cluster.replace(index).await
    }
}
