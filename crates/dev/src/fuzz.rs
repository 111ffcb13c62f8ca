//! `cargo dev fuzz`: random and hostile requests to a service that runs, each of which has to be
//! answered with a canonical status, or not at all.

mod calls;
mod frames;
mod messages;
mod process;
mod raw;
mod verdict;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use clap::{Args, value_parser};
use proto::v1 as pb;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    task::JoinSet,
    time::{self, Instant},
};
use tonic::Code;

use self::messages::Schema;
pub use self::process::Held;
use crate::{
    cli::print,
    settings::Settings,
    stack::Folder,
    token,
    wire::{Wire, framed, request},
};

/// How many clients there are at once.
const LANES: u64 = 8;
/// How many different faults are kept.
const FAULTS: usize = 50;
/// How long the service has to recover.
const RECOVERY: Duration = Duration::from_secs(60);
/// How much more it may hold afterwards, of memory and of files.
const MORE_MIB: u64 = 150;
const MORE_FILES: usize = 20;
/// One who has nothing to lose.
const USER: i64 = 999_999_999;

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// For how long
    #[arg(long, default_value_t = 60, value_parser = value_parser!(u64).range(1..))]
    seconds: u64,
    /// What the requests follow from
    #[arg(long, default_value_t = 5)]
    seed: u64,
    /// Where the service listens; the running stack if not set
    #[arg(long)]
    address: Option<SocketAddr>,
    /// A token for it
    #[arg(long, requires = "address")]
    token: Option<String>,
}

/// Whom to attack.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    pub token: String,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub struct Report {
    pub answers: BTreeMap<String, usize>,
    pub faults: BTreeMap<String, usize>,
}

pub(crate) async fn fuzz(options: &Options) -> anyhow::Result<()> {
    let (target, pid) = target(options)?;
    // What is set up at first use is not lost.
    attack(&target, options.seed, Duration::from_secs(1)).await?;
    let before = pid.map(Held::by).transpose()?;
    let report = attack(&target, options.seed, Duration::from_secs(options.seconds)).await?;
    for (answer, count) in &report.answers {
        print(&format!("{count:>9}  {answer}"));
    }
    for (fault, count) in &report.faults {
        print(&format!("{count:>9}  WRONG: {fault}"));
    }
    recovered(&target).await?;
    if let (Some(pid), Some(before)) = (pid, before) {
        let after = settled(pid, before).await?;
        print(&format!("before: {before}; after: {after}"));
    }
    ensure!(report.faults.is_empty(), "some answers are wrong");
    Ok(())
}

fn target(options: &Options) -> anyhow::Result<(Target, Option<u32>)> {
    if let Some(address) = options.address {
        let token = options.token.clone().context("--address needs a --token")?;
        return Ok((Target { address, token }, None));
    }
    let folder = Folder::open()?;
    let missing = "no stack here: run `cargo dev up --detach`, or give an --address";
    let stack = folder.running()?.context(missing)?;
    let settings = Settings::find(&folder)?.context(missing)?;
    let token = token::for_user(&settings.jwt_secret, USER)?;
    let address = stack.grpc.parse().context("the stack has an address")?;
    Ok((Target { address, token }, stack.pids.session_service))
}

/// Sends what follows from `seed` for so long.
pub async fn attack(target: &Target, seed: u64, duration: Duration) -> anyhow::Result<Report> {
    let schema = Arc::new(Schema::of_the_api()?);
    let report = Arc::new(Mutex::new(Report::default()));
    let until = Instant::now() + duration;
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (target, schema, report) = (target.clone(), Arc::clone(&schema), Arc::clone(&report));
        lanes.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed.wrapping_mul(LANES).wrapping_add(lane));
            while Instant::now() < until {
                let outcome = match random.random_bool(0.8) {
                    true => calls::send(&target, &schema, &mut random).await,
                    false => raw::send(&target, &mut random).await,
                };
                report.lock().unwrap_or_else(PoisonError::into_inner).add(outcome);
            }
        });
    }
    lanes.join_all().await;
    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *report))
}

impl Report {
    fn add(&mut self, outcome: Result<String, String>) {
        match outcome {
            Ok(answer) => *self.answers.entry(answer).or_default() += 1,
            Err(fault) if self.faults.len() < FAULTS || self.faults.contains_key(&fault) => {
                *self.faults.entry(fault).or_default() += 1;
            }
            Err(_) => (),
        }
    }
}

/// Waits until an ordinary request is answered again.
pub async fn recovered(target: &Target) -> anyhow::Result<()> {
    let until = Instant::now() + RECOVERY;
    while Instant::now() < until {
        if answers(target).await.unwrap_or(false) {
            return Ok(());
        }
        time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("an ordinary request is not answered any more")
}

async fn answers(target: &Target) -> anyhow::Result<bool> {
    let wire = Wire::connect(target.address).await?;
    let ask = request("SessionService/ListSessions", &target.token).body(())?;
    let answer = wire.ask(ask, framed(&pb::ListSessionsRequest::default()));
    let answer = time::timeout(Duration::from_secs(5), answer).await??;
    Ok(answer.status().is_some_and(|status| status.code() == Code::Ok))
}

/// Waits until a process holds about what it held before.
pub async fn settled(pid: u32, before: Held) -> anyhow::Result<Held> {
    let until = Instant::now() + RECOVERY;
    loop {
        let held = Held::by(pid)?;
        let is_settled = held.memory_mib <= before.memory_mib + MORE_MIB
            && held.files <= before.files + MORE_FILES;
        if is_settled {
            return Ok(held);
        }
        ensure!(Instant::now() < until, "before: {before}; it keeps {held}");
        time::sleep(Duration::from_millis(200)).await;
    }
}
