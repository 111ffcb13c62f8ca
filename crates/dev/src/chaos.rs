//! `cargo dev chaos`: does to the pair what can happen to it, and looks whether its promises hold.
//!
//! The processes are those of the product, and so are the servers. Every fault comes from outside:
//! by signals, by proxies in every connection, and by what the harness adds to its own database.

mod ask;
mod checks;
mod child;
mod client;
mod cluster;
mod database;
pub mod drill;
mod event_log;
mod facts;
mod faults;
mod load;
mod mechanism;
pub(crate) mod owned;
mod pace;
mod proxy;
mod report;
mod schedule;
mod watchers;

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum as _, value_parser};
use tokio::time::Instant;

pub use self::{
    checks::Check,
    mechanism::Mechanism,
    report::{Measured, Report},
    schedule::Fault,
};
use self::{cluster::Cluster, faults::Injector, load::Load, pace::Pace};
use crate::{cli::print, folders, servers::random_bytes, up::asked_to_end};

/// A port that was free may be taken before a server has it.
const ATTEMPTS: usize = 3;
/// How long everything may take to end once no fault is left.
const SETTLING: Duration = Duration::from_secs(90);
/// How long watches may take to end after the runs.
const WATCHES: Duration = Duration::from_secs(20);

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many runs to start, besides those that faults are aimed at
    #[arg(long, default_value_t = 2000, value_parser = value_parser!(u32).range(1..=100_000))]
    pub runs: u32,
    /// Fixes the order of the faults, the questions and what is done with each, and where watches
    /// are cut; not how fast processes are, nor how they are scheduled [default: a random one]
    #[arg(long)]
    pub seed: Option<u64>,
    /// Which faults to inject, with commas between [default: all]
    #[arg(long, value_delimiter = ',')]
    pub faults: Vec<Fault>,
    /// Inject each fault once, and keep the long ones short
    #[arg(long)]
    pub quick: bool,
    /// Take mechanisms out of the harness' own database, with commas between, to see violations
    #[arg(long, value_delimiter = ',')]
    pub without: Vec<Mechanism>,
    /// Write the report to this file too, as JSON
    #[arg(long)]
    pub json: Option<PathBuf>,
}

pub(crate) async fn chaos(options: &Options) -> anyhow::Result<()> {
    let report = tokio::select! {
        report = Box::pin(run(options)) => report?,
        asked = asked_to_end() => return asked.and_then(|()| bail!("interrupted")),
    };
    print(&report.to_string());
    if let Some(file) = &options.json {
        fs::write(file, serde_json::to_string_pretty(&report)?)
            .with_context(|| file.display().to_string())?;
    }
    ensure!(report.violations() == 0, "{} violations", report.violations());
    Ok(())
}

/// Starts a cluster, injects faults under load, and checks what came of it. The logs of the
/// processes are kept if there are violations. Whenever this ends or is dropped, all that it has
/// started has ended; it outlives only a harness that is itself killed.
pub async fn run(options: &Options) -> anyhow::Result<Report> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from(u32::from_le_bytes(random_bytes()?)),
    };
    let logs = folders::target().join("chaos").join(format!("{seed}-{}", std::process::id()));
    eprintln!("seed {seed}, logs in {}", logs.display());
    let mut attempt = 1;
    let mut cluster = loop {
        match Cluster::start(logs.clone()).await {
            Err(error) if attempt < ATTEMPTS => eprintln!("trying again: {error:#}"),
            started => break started?,
        }
        attempt += 1;
    };
    let report = drive(&mut cluster, options, seed).await?;
    cluster.stop().await?;
    if report.violations() == 0 {
        fs::remove_dir_all(&logs)?;
    }
    Ok(report)
}

async fn drive(cluster: &mut Cluster, options: &Options, seed: u64) -> anyhow::Result<Report> {
    let began = Instant::now();
    cluster.database.execute(include_str!("chaos/audit.sql")).await?;
    for mechanism in &options.without {
        cluster.database.execute(mechanism.removal()).await?;
    }
    cluster.start_pair().await?;
    event_log::await_stream(&cluster.nats_url()).await?;
    let load = Load::prepare(seed, &cluster.grpc(), &cluster.setup.settings.jwt_secret).await?;
    let faults = inject(cluster, &load, options, seed).await?;
    settle(cluster, &load).await?;

    checks::recoveries::measure(&cluster.database, &load.facts).await?;
    let checks = checks::check(cluster, &load.facts, options, &faults).await?;
    let without = options.without.iter().filter_map(|it| it.to_possible_value());
    let report = Report {
        seed,
        without: without.map(|value| value.get_name().to_owned()).collect(),
        seconds: began.elapsed().as_secs(),
        faults,
        answers: load.facts.outcomes(),
        ends: ends(cluster).await?,
        recoveries: Measured::of(&load.facts.recoveries()),
        checks,
    };
    Ok(report)
}

/// Spreads the load over the faults, and returns when both are through.
async fn inject(
    cluster: &mut Cluster,
    load: &Arc<Load>,
    options: &Options,
    seed: u64,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut random = ask::random(seed, u64::MAX);
    let all = if options.faults.is_empty() { Fault::value_variants() } else { &options.faults };
    let plan = schedule::plan(all, options.quick, &mut random);
    let runs = u64::from(options.runs);
    let pace = Pace::new(runs);
    let share = |index: usize| runs * (index as u64 + 1) / (plan.len() as u64 + 1);

    let mut injector = Injector::new(cluster, Arc::clone(load), random, options.quick);
    let injecting = async {
        for (index, fault) in plan.iter().enumerate() {
            eprintln!("{:>3}/{}  {}", index + 1, plan.len(), fault.name());
            let bursts = ask::random(seed, u64::MAX - 1 - index as u64);
            let spread = pace.spread_up_to(share(index), fault.duration(options.quick), bursts);
            let injected = tokio::select! {
                injected = injector.inject(*fault) => injected,
                never = spread => match never {},
            };
            pace.release_up_to(share(index));
            injected.with_context(|| format!("injecting {}", fault.name()))?;
        }
        pace.release_up_to(runs);
        anyhow::Ok(injector.injected())
    };
    let loading = async {
        load.run(&pace).await;
        Ok(())
    };
    let (injected, ()) = tokio::try_join!(injecting, loading)?;
    Ok(injected)
}

/// Waits until all runs have ended, within bounds, and then the watches.
async fn settle(cluster: &Cluster, load: &Load) -> anyhow::Result<()> {
    eprintln!("all faults are over; waiting for the runs ...");
    let query = "SELECT 1 WHERE NOT EXISTS (SELECT FROM runs WHERE ended_at IS NULL)";
    let ended = cluster.database.await_value::<i32>(query, &[], SETTLING).await?;
    load.end_watches(if ended.is_some() { WATCHES } else { Duration::ZERO }).await;
    Ok(())
}

async fn ends(cluster: &Cluster) -> anyhow::Result<BTreeMap<String, usize>> {
    let query = "SELECT concat_ws(' ', state, error_reason), count(*) FROM runs GROUP BY 1";
    let mut ends = BTreeMap::new();
    for row in cluster.database.rows(query, &[]).await? {
        ends.insert(row.try_get(0)?, usize::try_from(row.try_get::<_, i64>(1)?)?);
    }
    Ok(ends)
}
