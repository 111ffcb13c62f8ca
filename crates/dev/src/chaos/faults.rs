//! Doing what the schedule says, one fault at a time.

mod pair;
mod servers;
mod workers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use nix::sys::signal::Signal;
use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use tokio::time::{Instant, sleep};

use super::{
    ask::Probe,
    child::{LEASE, Program},
    cluster::Cluster,
    database::Parameters,
    load::Load,
    schedule::Fault,
};

/// How long it may take until a dead worker's run is another's, and has ended.
pub(super) const TAKE_OVER_LIMIT: Duration = LEASE.saturating_add(Duration::from_secs(5));
/// How long the harness waits for what a fault needs, or should lead to.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Injector<'a> {
    cluster: &'a mut Cluster,
    load: Arc<Load>,
    random: StdRng,
    is_quick: bool,
    injected: BTreeMap<String, usize>,
}

impl<'a> Injector<'a> {
    pub(super) fn new(
        cluster: &'a mut Cluster,
        load: Arc<Load>,
        random: StdRng,
        is_quick: bool,
    ) -> Self {
        Self { cluster, load, random, is_quick, injected: BTreeMap::new() }
    }

    /// What was done, and how many times.
    pub(super) fn injected(self) -> BTreeMap<String, usize> {
        self.injected
    }

    /// Does it, waits until its consequences have been seen, and sees that all run again.
    pub(super) async fn inject(&mut self, fault: Fault) -> anyhow::Result<()> {
        let name = fault.name();
        let opened = "INSERT INTO chaos.windows (fault) VALUES ($1) RETURNING id";
        let window: i64 = self.cluster.database.value(opened, &[&name]).await?;
        self.perform(fault).await?;
        let closed = "UPDATE chaos.windows SET ended = clock_timestamp() WHERE id = $1";
        self.cluster.database.rows(closed, &[&window]).await?;
        *self.injected.entry(name).or_default() += 1;
        if fault == Fault::RollingRestart {
            self.await_runs_of(window).await?;
        }
        for child in &mut self.cluster.children {
            child.check()?;
        }
        sleep(Duration::from_millis(self.random.random_range(100..800))).await;
        Ok(())
    }

    async fn perform(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::KillServiceBeforePublish => self.kill_before_publish().await,
            Fault::KillWorkerAfterClaim => self.kill_after_claim().await,
            Fault::KillWorkerExecuting => self.kill_executing().await,
            Fault::KillWorkerBeforeCommit => self.kill_before_commit().await,
            Fault::KillWorkerBeforeAck => self.kill_before_ack().await,
            Fault::KillAny => self.kill_any().await,
            Fault::PauseWorker => self.pause().await,
            Fault::PauseWorkerBeforeCommit => self.pause_before_commit().await,
            Fault::CutOffWorker => self.cut_off().await,
            Fault::DuplicateDeliveries => self.duplicate().await,
            Fault::StopNats => self.stop_nats().await,
            Fault::WipeStreams => self.wipe_streams().await,
            Fault::RestartPostgresFast => self.restart_postgres(Signal::SIGINT).await,
            Fault::RestartPostgresImmediate => self.restart_postgres(Signal::SIGQUIT).await,
            Fault::CutConnections => self.cut_connections().await,
            Fault::RollingRestart => self.rolling_restart().await,
        }
    }

    fn any(&mut self, program: Program) -> usize {
        self.cluster.indices(program).choose(&mut self.random).copied().unwrap_or_default()
    }

    /// Starts a run of its own for a fault; what can't be started is a violation.
    async fn probe(&mut self, probe: Probe) -> Option<i64> {
        let run_id = self.load.probe(probe, self.random.random_range(0..usize::MAX)).await;
        if run_id.is_none() {
            self.odd("a run for a fault was not acknowledged");
        }
        run_id
    }

    fn odd(&self, oddity: &str) {
        self.load.facts.oddities().push(oddity.to_owned());
    }

    /// Waits until there is a row; without one in time, that is a violation.
    async fn expect(
        &self,
        what: &str,
        query: &str,
        parameters: Parameters<'_>,
    ) -> anyhow::Result<bool> {
        let seen = self.cluster.database.await_value::<i32>(query, parameters, PATIENCE).await?;
        if seen.is_none() {
            self.odd(&format!("not seen in {PATIENCE:?}: {what}"));
        }
        Ok(seen.is_some())
    }

    async fn await_end(&self, run_id: i64) -> anyhow::Result<bool> {
        let query = "SELECT 1 FROM runs WHERE id = $1 AND ended_at IS NOT NULL";
        self.expect(&format!("the end of run {run_id}"), query, &[&run_id]).await
    }

    /// The worker that has claimed a run.
    async fn claimant(&self, run_id: i64) -> anyhow::Result<Option<usize>> {
        let query = "SELECT role FROM chaos.claims WHERE run_id = $1 ORDER BY id DESC LIMIT 1";
        let role: Option<String> =
            self.cluster.database.await_value(query, &[&run_id], PATIENCE).await?;
        let claimant = role.and_then(|role| self.cluster.find(&role));
        if claimant.is_none() {
            self.odd(&format!("not seen in {PATIENCE:?}: the claim of run {run_id}"));
        }
        Ok(claimant)
    }

    /// Kills a child, replaces it, and measures how long its runs are left alone.
    async fn kill(&mut self, index: usize) -> anyhow::Result<()> {
        let child = &self.cluster.children[index];
        let (role, program) = (child.role(), child.program);
        self.record_hit(index, true).await?;
        let killed = Instant::now();
        self.cluster.children[index].kill().await?;
        self.cluster.replace(index).await?;
        if program == Program::SessionService {
            return Ok(());
        }
        let query = "SELECT 1 WHERE NOT EXISTS (
            SELECT FROM runs WHERE ended_at IS NULL AND state <> 'queued' AND $1 = (
                SELECT role FROM chaos.claims WHERE run_id = runs.id ORDER BY id DESC LIMIT 1
            ))";
        if self.expect(&format!("that {role}'s runs are taken over"), query, &[&role]).await? {
            let fault = "kill -9 of a worker, its runs are taken over";
            self.load.facts.recovered(fault, killed.elapsed(), Some(TAKE_OVER_LIMIT));
        }
        Ok(())
    }

    /// Writes down that a process can't work on its runs, for a while or for ever.
    async fn record_hit(&self, index: usize, is_kill: bool) -> anyhow::Result<()> {
        let role = self.cluster.children[index].role();
        let record = "INSERT INTO chaos.hits (role, is_kill) VALUES ($1, $2)";
        self.cluster.database.rows(record, &[&role, &is_kill]).await.map(drop)
    }

    /// Lets the runs that lived during a fault end before the next.
    async fn await_runs_of(&self, window: i64) -> anyhow::Result<()> {
        let query = "SELECT 1 WHERE NOT EXISTS (
            SELECT FROM runs JOIN chaos.windows w ON created_at < w.ended
            WHERE w.id = $1 AND runs.ended_at IS NULL)";
        self.expect("the end of the runs of a rolling restart", query, &[&window]).await.map(drop)
    }
}
