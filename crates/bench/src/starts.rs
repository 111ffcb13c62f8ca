//! Starting runs without waiting for them, while no worker executes any: that would meet the
//! rounds of all sides.

use std::sync::Arc;

use anyhow::Context as _;
use tokio_postgres::Client;

use crate::{
    bare::runs::{self, Learned},
    cases::{Case, starts::StartRun},
    context::Context,
    data::{Data, connect},
    halted::Halted,
    nats,
    recorded::Recorded,
    report::Report,
    setup::Setup,
    suite::Sides,
};

/// Which sessions there were, so that the others can be taken away.
pub(crate) struct Mark {
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
    let halted = Halted::all(&[recorded.pair().pids().worker])?;
    let learned = learned(recorded, data).await;
    let cleared = mark.clear(setup).await;
    drop(halted);
    learned.and_then(|learned| cleared.map(|()| learned))
}

async fn learned(recorded: &mut Recorded, data: &Data) -> anyhow::Result<Learned> {
    let script = recorded.learn(&StartRun, data).await?;
    let publications = recorded.hear(&StartRun, data).await?;
    Ok(Learned { script: Arc::new(script), publications: publications.into() })
}

/// Measures starts. What was started is taken away.
pub(crate) async fn measure(
    context: &Context,
    learned: &Learned,
    report: &mut Report,
) -> anyhow::Result<()> {
    let mark = Mark::set(&context.setup).await?;
    let halted = Halted::all(&[context.pair.pids().worker])?;
    let measured = compare(context, learned, report).await;
    let cleared = mark.clear(&context.setup).await;
    drop(halted);
    measured.and(cleared)
}

async fn compare(context: &Context, learned: &Learned, report: &mut Report) -> anyhow::Result<()> {
    let case: Arc<dyn Case> = Arc::new(StartRun);
    eprintln!("measuring {} ...", case.name());
    let bare = runs::callers(&context.setup, &context.data, &case, learned).await?;
    let mut sides = Sides::of(context, &case, Some(bare));
    // It stands still all the time, and must not go on when the bare loop's round is over.
    let worker = context.pair.pids().worker;
    sides.bare.iter_mut().for_each(|side| side.halted.retain(|pid| *pid != worker));
    sides.measure(context.plan).await?;
    report.cases.push(sides.figures());
    report.rows.extend(sides.rows());
    Ok(())
}

impl Mark {
    pub(crate) async fn set(setup: &Setup) -> anyhow::Result<Self> {
        let database = connect(&setup.postgres.url).await?;
        let row = database.query_one("SELECT max(id) FROM chat_sessions", &[]).await?;
        Ok(Self { last_session: row.try_get(0)?, database })
    }

    /// As it would have been set when the data was loaded.
    pub(crate) async fn of(setup: &Setup, data: &Data) -> anyhow::Result<Self> {
        let database = connect(&setup.postgres.url).await?;
        let sessions = data.users.iter().flat_map(|user| &user.sessions);
        let last = sessions.map(|session| session.id).max().context("no sessions")?;
        Ok(Self { last_session: last, database })
    }

    /// Takes away the sessions since, with their runs and the wake-ups for them.
    pub(crate) async fn clear(&self, setup: &Setup) -> anyhow::Result<()> {
        let clear = "DELETE FROM chat_sessions WHERE $1 < id";
        self.database.execute(clear, &[&self.last_session]).await?;
        nats::clear_queue(setup).await
    }
}
