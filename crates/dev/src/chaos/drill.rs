//! `cargo dev drill`: what operators do to a deployment, done to one under load, to see whether
//! it loses anything.

mod backup;
mod commands;
mod facts;
mod rolling;
mod traffic;

use std::fs;

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::cluster::Cluster;
use crate::{cli::print, folders, up::asked_to_end};

#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    pub drill: Drill,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drill {
    /// Back up under load, lose Postgres, and go on with the backup and the NATS that there was
    Restore,
    /// The same, and NATS is lost as well
    RestoreWithoutNats,
    /// Restart every process, one after the other, under 200 requests a second
    RollingRestart,
}

pub(crate) async fn drill(options: &Options) -> anyhow::Result<()> {
    let report = tokio::select! {
        report = Box::pin(run(options)) => report?,
        asked = asked_to_end() => return asked.and_then(|()| bail!("interrupted")),
    };
    print(&report);
    Ok(())
}

/// Fails with what is wrong, if anything is; else tells what was done.
pub async fn run(options: &Options) -> anyhow::Result<String> {
    let name =
        options.drill.to_possible_value().map_or_else(String::new, |it| it.get_name().into());
    let logs = folders::target().join("drill").join(format!("{name}-{}", std::process::id()));
    let mut cluster = Cluster::start(logs.clone()).await?;
    let report = match options.drill {
        Drill::Restore => backup::drill(&mut cluster, false).await,
        Drill::RestoreWithoutNats => backup::drill(&mut cluster, true).await,
        Drill::RollingRestart => rolling::drill(&mut cluster).await,
    };
    cluster.stop().await?;
    let report = report?;
    fs::remove_dir_all(&logs)?;
    Ok(report)
}
