//! Starting runs without waiting for them, while no worker executes any: that would meet the
//! rounds of all sides.

use std::sync::Arc;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Client, NoTls};

use crate::{
    bare::runs::{self, Learned},
    cases::{Case, starts::StartRun},
    context::Context,
    data::Data,
    nats,
    pair::Pair,
    recorded::Recorded,
    report::Report,
    setup::Setup,
    suite::Sides,
};

/// A worker that stands still for as long as this lives.
#[derive(Debug)]
struct Halted(Pid);

/// Which sessions there were, so that the others can be taken away.
struct Mark {
    database: Client,
    last_session: i64,
}

/// Learns what a start is made of. What was started is taken away.
pub(crate) async fn learn(
    recorded: &mut Recorded,
    setup: &Setup,
    data: &Data,
) -> anyhow::Result<Learned> {
    let mark = Mark::set(setup).await?;
    let halted = Halted::worker(recorded.pair())?;
    let script = recorded.learn(&StartRun, data).await?;
    let publications = recorded.hear(&StartRun, data).await?;
    mark.clear(setup).await?;
    drop(halted);
    Ok(Learned { script: Arc::new(script), publications: publications.into() })
}

/// Measures starts. What was started is taken away.
pub(crate) async fn measure(
    context: &Context,
    learned: &Learned,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mark = Mark::set(&context.setup).await?;
    let halted = Halted::worker(&context.pair)?;
    let case: Arc<dyn Case> = Arc::new(StartRun);
    eprintln!("measuring {} ...", case.name());
    let bare = runs::callers(&context.setup, &context.data, &case, learned).await?;
    let mut sides = Sides::of(context, &case, Some(bare));
    sides.measure(context.plan).await?;
    report.cases.push(sides.figures());
    report.rows.extend(sides.rows());
    mark.clear(&context.setup).await?;
    drop(halted);
    Ok(())
}

impl Halted {
    fn worker(pair: &Pair) -> anyhow::Result<Self> {
        let pid = Pid::from_raw(pair.pids().worker.try_into()?).context("the worker has no id")?;
        kill_process(pid, Signal::STOP)?;
        Ok(Self(pid))
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        // One that has ended need not go on.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

impl Mark {
    async fn set(setup: &Setup) -> anyhow::Result<Self> {
        let (database, connection) = tokio_postgres::connect(&setup.postgres.url, NoTls).await?;
        tokio::spawn(connection);
        let row = database.query_one("SELECT max(id) FROM chat_sessions", &[]).await?;
        Ok(Self { last_session: row.try_get(0)?, database })
    }

    /// Takes away the sessions since, with their runs and the wake-ups for them.
    async fn clear(&self, setup: &Setup) -> anyhow::Result<()> {
        let clear = "DELETE FROM chat_sessions WHERE $1 < id";
        self.database.execute(clear, &[&self.last_session]).await?;
        nats::clear_queue(setup).await
    }
}
