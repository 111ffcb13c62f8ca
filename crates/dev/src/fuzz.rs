//! `cargo dev fuzz`: random and hostile requests to a service that runs, each of which has to be
//! answered with a canonical status, or not at all. What the service holds afterwards, and what
//! it logs, is looked at too.

mod api;
mod attack;
mod calls;
mod exchange;
mod frames;
mod http1;
mod messages;
mod places;
mod process;
mod raw;
mod replay;
mod report;
mod response;
mod unfinished;
mod verdict;
mod watched;
mod web;

use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use anyhow::{Context as _, ensure};
use clap::{Args, value_parser};

use self::watched::Watched;
pub use self::{attack::attack, places::recovered, report::Report};
use crate::{cli::print, settings::Settings, stack::Folder, token};

/// What is set up at first use, and what the allocator keeps, is there by then.
const WARM_UP: Duration = Duration::from_secs(10);
/// Who have nothing to lose. One alone would be refused most of the time, for asking too much.
const USERS: RangeInclusive<i64> = 999_999_996..=999_999_999;

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// For how long, after 10 s that warm the service up
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u64).range(2..))]
    seconds: u64,
    /// What the requests follow from
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// Where the service listens; the running stack if not set. Neither its memory nor its log
    /// is looked at then
    #[arg(long)]
    address: Option<SocketAddr>,
    /// A token for it
    #[arg(long, requires = "address")]
    token: Option<String>,
}

/// Whom to attack, and as whom.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
}

pub(crate) async fn fuzz(options: &Options) -> anyhow::Result<()> {
    let (targets, mut watched) = targets(options)?;
    let half = Duration::from_secs(options.seconds) / 2;
    let mut report = Report::default();
    for (phase, duration) in (0..).zip([WARM_UP, half, half]) {
        let seed = options.seed.wrapping_mul(3).wrapping_add(phase);
        report.merge(attack(&targets, seed, duration).await?);
        if let Some(watched) = &mut watched {
            watched.look().await?;
        }
    }
    for target in &targets {
        if let Err(error) = recovered(target).await {
            report.fault(format!("{error:#}"));
        }
    }
    if let Some(watched) = &watched {
        watched.faults().await?.into_iter().for_each(|fault| report.fault(fault));
    }
    print(&report.to_string());
    ensure!(report.faults.is_empty(), "some of it is wrong");
    Ok(())
}

fn targets(options: &Options) -> anyhow::Result<(Vec<Target>, Option<Watched>)> {
    if let Some(address) = options.address {
        let token = options.token.clone().context("--address needs a --token")?;
        return Ok((vec![Target { address, token }], None));
    }
    let folder = Folder::open()?;
    let missing = "no stack here: run `cargo dev up --detach`, or give an --address";
    let stack = folder.running()?.context(missing)?;
    let settings = Settings::find(&folder)?.context(missing)?;
    let address = stack.grpc.parse().context("the stack has an address")?;
    let token = |user_id| token::for_user(&settings.jwt_secret, user_id);
    let targets = USERS.map(|user_id| Ok(Target { address, token: token(user_id)? }));
    let targets = targets.collect::<anyhow::Result<_>>()?;
    let pid = stack.pids.session_service.context("the stack has a session-service")?;
    let workers = 1..=stack.pids.run_worker.len();
    let mut logs = vec![folder.log("session-service")];
    logs.extend(workers.map(|number| folder.log(&format!("run-worker-{number}"))));
    Ok((targets, Some(Watched::new(pid, logs))))
}
