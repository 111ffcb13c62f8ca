//! One of the pair's processes, with a proxy of its own to each server. It is started again and
//! again; each time it logs in to Tertulia's database with a new role, so that what is written
//! there tells who wrote it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use nix::sys::signal::Signal;
use run_queue::Service;

use super::{
    database::Database,
    owned::Owned,
    proxy::{Hold, Proxy},
};
use crate::{
    servers::{
        free_port, postgres,
        process::{Process, Shutdown},
    },
    settings::Settings,
    up::{
        backends::nats_ways,
        build::Programs,
        databases::{self, OWN, SERVICE_ROLE},
        services::{self, Access},
    },
};

/// The shortest there is, so that what a dead worker had is soon another's.
pub(super) const LEASE: Duration = Duration::from_secs(3);
/// How long a process may take to finish what it has begun.
pub(super) const DRAIN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a worker that is asked to end goes on with its runs before it hands them over: less
/// than a long statement takes.
const DRAIN: Duration = Duration::from_secs(1);
const KILL_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    SessionService,
    RunWorker,
}

/// What every child is started with.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) programs: Programs,
    pub(super) settings: Settings,
    pub(super) logs: PathBuf,
}

impl Setup {
    /// A log that is not there yet, for a server's next start.
    pub(super) fn new_log(&self, server: &str) -> PathBuf {
        let starts =
            fs::read_dir(&self.logs).into_iter().flatten().flatten().filter(|entry| {
                entry.file_name().to_string_lossy().starts_with(&format!("{server}_"))
            });
        self.logs.join(format!("{server}_{}.log", starts.count() + 1))
    }
}

#[derive(Debug)]
pub(super) struct Child {
    pub(super) program: Program,
    pub(super) nats: Proxy,
    pub(super) postgres: Proxy,
    number: usize,
    incarnation: u32,
    grpc: String,
    process: Option<Owned>,
}

impl Program {
    fn service(self) -> Service {
        match self {
            Self::SessionService => Service::SessionService,
            Self::RunWorker => Service::RunWorker,
        }
    }

    fn name(self) -> &'static str {
        self.service().name()
    }

    fn role(self) -> &'static str {
        match self {
            Self::SessionService => "chaos_service",
            Self::RunWorker => "chaos_worker",
        }
    }

    fn file(self, programs: &Programs) -> &Path {
        match self {
            Self::SessionService => &programs.session_service,
            Self::RunWorker => &programs.run_worker,
        }
    }
}

impl Child {
    /// Prepares a process without starting it.
    pub(super) async fn new(
        program: Program,
        number: usize,
        setup: &Setup,
    ) -> anyhow::Result<Self> {
        let Settings { nats_port, postgres_port, .. } = setup.settings;
        Ok(Self {
            program,
            nats: Proxy::to(nats_port.context("NATS has no port")?).await?,
            postgres: Proxy::to(postgres_port.context("Postgres has no port")?).await?,
            number,
            incarnation: 0,
            grpc: format!("127.0.0.1:{}", free_port()?),
            process: None,
        })
    }

    /// Which it is; the same for all incarnations.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.program.name(), self.number)
    }

    /// Where a session-service serves.
    pub(super) fn grpc(&self) -> &str {
        &self.grpc
    }

    /// The database role of this incarnation.
    pub(super) fn role(&self) -> String {
        format!("{}_{}_{}", self.program.role(), self.number, self.incarnation)
    }

    /// Starts the next incarnation.
    pub(super) async fn start(&mut self, setup: &Setup, database: &Database) -> anyhow::Result<()> {
        ensure!(self.process.is_none(), "{} runs already", self.name());
        self.incarnation += 1;
        let (role, password) = (self.role(), &setup.settings.tertulia_password);
        let create = format!(
            "CREATE ROLE {role} LOGIN INHERIT PASSWORD '{password}' IN ROLE {SERVICE_ROLE}"
        );
        database.execute(&format!("DROP ROLE IF EXISTS {role}; {create}")).await?;

        let file = self.program.file(&setup.programs);
        let mut command = services::service(file, &self.access(&setup.settings), &setup.settings);
        match self.program {
            Program::SessionService => {
                command.env("JWT_SECRET", &setup.settings.jwt_secret).env("LISTEN_ADDR", &self.grpc)
            }
            Program::RunWorker => command
                .env("RUN_LEASE_SECONDS", LEASE.as_secs().to_string())
                .env("DRAIN_SECONDS", DRAIN.as_secs().to_string()),
        };
        let log = setup.logs.join(format!("{role}.log"));
        let name = self.program.name();
        let process = Process::spawn(name, &mut command, &log, file, Shutdown::Graceful)?;
        self.process = Some(Owned::new(process));
        Ok(())
    }

    fn access(&self, settings: &Settings) -> Access {
        let (port, service) = (self.postgres.port(), self.program.service());
        Access {
            database_url: postgres::url(&self.role(), &settings.tertulia_password, port, OWN),
            dataset_database_url: databases::datasets(settings, port).of(service).to_owned(),
            nats_url: nats_ways(settings, self.nats.port()).of(service).to_owned(),
            nats_prefix: String::new(),
        }
    }

    /// Waits until a service serves, or a worker has reached both servers.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        let Self { program, nats, postgres, grpc, process, .. } = self;
        let process = process.as_mut().context("the process was not started")?;
        let probe = async || match program {
            Program::SessionService => services::serving(grpc).await,
            Program::RunWorker => {
                ensure!(nats.is_in_use() && postgres.is_in_use(), "it has not connected yet");
                Ok(())
            }
        };
        process.ready(probe).await
    }

    pub(super) fn signal(&mut self, signal: Signal) -> anyhow::Result<()> {
        self.running()?.get()?.signal(signal)
    }

    /// Kills it at once. What is under way in its connections is lost.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.forget(KILL_PATIENCE).await.map(drop)
    }

    /// Asks it to end. False if it doesn't do so in time, or not well.
    pub(super) async fn drain(&mut self) -> anyhow::Result<bool> {
        self.signal(Signal::SIGTERM)?;
        self.forget(DRAIN_PATIENCE).await
    }

    /// Waits for its end; false if it was not a success.
    async fn forget(&mut self, patience: Duration) -> anyhow::Result<bool> {
        let status = self.running()?.get()?.end_within(patience).await?;
        self.process = None;
        for proxy in [&self.nats, &self.postgres] {
            proxy.cut();
            proxy.hold(Hold::Nothing);
        }
        Ok(status.is_some_and(|status| status.success()))
    }

    /// Fails if it has ended by itself.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.running()?.get()?.check()
    }

    fn running(&mut self) -> anyhow::Result<&mut Owned> {
        self.process.as_mut().context("the process was not started")
    }
}
