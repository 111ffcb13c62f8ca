//! `cargo dev up`: from an empty machine to an answered question, step by step.

pub(crate) mod backends;
pub(crate) mod build;
pub(crate) mod databases;
mod guide;
pub(crate) mod launch;
pub(crate) mod services;
pub(crate) mod ways;

use std::io;

use anyhow::{Context, bail};
use clap::{Args, value_parser};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    demo,
    servers::free_port,
    settings::Settings,
    stack::{Folder, Stack},
    token,
};
use launch::Launch;

pub(crate) const DEMO_USER: i64 = 1;

#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Return when everything is ready, and leave it running
    #[arg(long)]
    detach: bool,
    /// The port of the gRPC API [default: the one used before, 50051, or a free one]
    #[arg(long)]
    grpc_port: Option<u16>,
    /// The port of the embedded Postgres [default: the one used before, or a free one]
    #[arg(long)]
    postgres_port: Option<u16>,
    /// The port of the embedded NATS server [default: the one used before, or a free one]
    #[arg(long)]
    nats_port: Option<u16>,
    /// How many run-workers to start
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u8).range(1..=64))]
    workers: u8,
    /// A database on a Postgres server of your own, 16 or later, instead of the embedded server
    #[arg(long, env, hide_env_values = true)]
    database_url: Option<String>,
    /// The database that data sets go to [default: the name in DATABASE_URL with `_datasets`]
    #[arg(long, env, hide_env_values = true)]
    dataset_database_url: Option<String>,
    /// A NATS server of your own, with JetStream, instead of the embedded server
    #[arg(long, env, hide_env_values = true)]
    pub(crate) nats_url: Option<String>,
    /// Letters and digits that keep several deployments on one NATS server apart
    #[arg(long, env, default_value = "", hide_default_value = true)]
    nats_prefix: String,
    /// Origins of the pages that may call from a browser, with commas between
    #[arg(long, env)]
    pub(crate) cors_allow_origins: Option<String>,
    /// The embedded Postgres', if not what it has by default.
    #[arg(skip)]
    shared_buffers: Option<&'static str>,
}

impl Options {
    /// Embedded servers and a port that no other stack is likely to want.
    pub(crate) fn apart() -> io::Result<Self> {
        Ok(Self { grpc_port: Some(free_port()?), workers: 1, ..Self::default() })
    }

    /// Embedded servers, of which Postgres keeps so much of its tables in memory.
    pub(crate) fn with_buffers(size: &'static str) -> Self {
        Self { shared_buffers: Some(size), ..Self::default() }
    }
}

pub(crate) async fn up(options: &Options) -> anyhow::Result<()> {
    let folder = Folder::open()?;
    let lock = folder.lock().await?;
    if let Some(stack) = folder.running()? {
        let settings = Settings::find(&folder)?.context("the running stack's settings are gone")?;
        eprintln!("already running");
        return guide::print_guide(&stack, &settings);
    }
    if folder.stop_all().await? {
        eprintln!("(that was left over from an earlier `up`)");
    }

    let mut launch = Launch::new(&folder);
    let result = tokio::select! {
        result = start(options, &folder, &mut launch) => result,
        result = asked_to_end() => result.and_then(|()| bail!("interrupted")),
    };
    if let Err(error) = result {
        folder.stop_all().await?;
        return Err(error);
    }
    if options.detach {
        return Ok(());
    }
    drop(lock);
    serve(&folder, &mut launch).await
}

async fn start(options: &Options, folder: &Folder, launch: &mut Launch<'_>) -> anyhow::Result<()> {
    let (stack, settings) = start_stack(options, folder, launch).await?;
    folder.announce(&stack)?;
    guide::print_guide(&stack, &settings)
}

/// Starts everything, and asks a first question.
pub(crate) async fn start_stack(
    options: &Options,
    folder: &Folder,
    launch: &mut Launch<'_>,
) -> anyhow::Result<(Stack, Settings)> {
    let programs = build::services().await?;
    let mut settings = Settings::find_or_generate(folder)?;
    let backends = backends::start(options, &mut settings, launch).await?;
    services::migrate(&programs, &backends.database.operator, backends.service_role).await?;
    let addresses = services::start(options, &programs, &backends, &mut settings, launch).await?;

    let token = token::for_user(&settings.jwt_secret, DEMO_USER)?;
    let agent_id = tokio::select! {
        result = demo::seed(&addresses.grpc, &token) => result.context("the demo")?,
        error = launch.first_to_end() => return Err(error),
    };
    Ok((backends.into_stack(addresses, agent_id, launch), settings))
}

async fn serve(folder: &Folder, launch: &mut Launch<'_>) -> anyhow::Result<()> {
    eprintln!("serving until Ctrl-C");
    let result = tokio::select! {
        error = launch.first_to_end() => Err(error),
        result = asked_to_end() => result,
    };
    if result.is_err() && !folder.is_announced() {
        eprintln!("stopped by `cargo dev down`");
        return Ok(());
    }
    let _lock = folder.lock().await?;
    folder.stop_all().await?;
    result
}

pub(crate) async fn asked_to_end() -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        _ = hangup.recv() => (),
    }
    Ok(())
}
