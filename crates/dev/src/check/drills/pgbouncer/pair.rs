//! Services of our own, beside those of the stack.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures::future;
use proto::v1::RunState;
use run_queue::Service;

use crate::{
    chaos::owned::Owned,
    demo::api::Api,
    servers::{
        free_port,
        process::{Process, Shutdown},
    },
    settings::Settings,
    stack::{Folder, Stack},
    token,
    up::{
        DEMO_USER,
        backends::nats_ways,
        build::{self, Programs},
        databases,
        services::{self, Access},
    },
};

/// A check at the start takes no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// As many at once as the service's pool has connections.
const QUESTIONS: usize = 20;

#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) settings: &'a Settings,
    stack: &'a Stack,
    programs: Programs,
    folder: Folder,
}

impl<'a> Pair<'a> {
    pub(super) async fn build(stack: &'a Stack, settings: &'a Settings) -> anyhow::Result<Self> {
        let programs = build::services().await?;
        Ok(Self { settings, stack, programs, folder: Folder::in_target("check/drills")? })
    }

    /// Starts the session service on the database behind this port, and returns the log of its
    /// end.
    pub(super) async fn refused_service(&self, port: u16) -> anyhow::Result<String> {
        let (mut command, _) = self.session_service(port)?;
        self.refused("refused-service", &self.programs.session_service, &mut command).await
    }

    pub(super) async fn refused_migration(&self, port: u16) -> anyhow::Result<String> {
        let mut command = Command::new(&self.programs.migration);
        command.arg("up").env("DATABASE_URL", databases::own(self.settings, port).operator);
        self.refused("refused-migration", &self.programs.migration, &mut command).await
    }

    async fn refused(
        &self,
        name: &str,
        program: &Path,
        command: &mut Command,
    ) -> anyhow::Result<String> {
        let mut process = self.spawn(name, program, command)?;
        let log = self.folder.log(name);
        let Some(status) = process.get()?.end_within(PATIENCE).await? else {
            bail!("{} goes on; see {}", program.display(), log.display());
        };
        ensure!(!status.success(), "{} ended as if all was well", program.display());
        Ok(fs::read_to_string(log)?)
    }

    /// Starts both services on the database behind this port, and has them answer questions.
    pub(super) async fn answers(&self, port: u16) -> anyhow::Result<()> {
        let program = &self.programs.run_worker;
        let access = self.access(port, Service::RunWorker)?;
        let mut command = services::service(program, &access, self.settings);
        let mut worker = self.spawn("pooled-worker", program, &mut command)?;
        let (mut command, grpc) = self.session_service(port)?;
        let program = &self.programs.session_service;
        let mut service = self.spawn("pooled-service", program, &mut command)?;
        service.ready(async || services::serving(&grpc).await).await?;

        let token = token::for_user(&self.settings.jwt_secret, DEMO_USER)?;
        let questions = (0..QUESTIONS).map(|number| self.ask(&grpc, &token, number));
        future::try_join_all(questions).await?;
        worker.get()?.check()?;
        service.stop().await?;
        worker.stop().await
    }

    async fn ask(&self, grpc: &str, token: &str, number: usize) -> anyhow::Result<()> {
        let mut api = Api::connect(grpc, token).await?;
        let title = format!("Through a pooler, {number}");
        let session = api.create_session(self.stack.demo_agent_id, &title).await?;
        let run = api.ask(session, "SELECT count(*) FROM penguins").await?;
        ensure!(run.state() == RunState::Succeeded, "a run through the pooler: {run:?}");
        let messages = api.messages(session).await?;
        ensure!(messages.last().is_some_and(|it| it.content == "344"), "{messages:?}");
        Ok(())
    }

    fn session_service(&self, port: u16) -> anyhow::Result<(Command, String)> {
        let access = self.access(port, Service::SessionService)?;
        let mut command = services::service(&self.programs.session_service, &access, self.settings);
        let grpc = format!("127.0.0.1:{}", free_port()?);
        command.env("JWT_SECRET", &self.settings.jwt_secret).env("LISTEN_ADDR", &grpc);
        Ok((command, grpc))
    }

    fn spawn(&self, name: &str, program: &Path, command: &mut Command) -> anyhow::Result<Owned> {
        let log = self.folder.log(name);
        let process = Process::spawn(name, command, &log, program, Shutdown::Graceful)?;
        Ok(Owned::new(process))
    }

    /// As the stack's own, but for the database's port.
    fn access(&self, port: u16, service: Service) -> anyhow::Result<Access> {
        let postgres = self.settings.postgres_port.context("the stack's Postgres has a port")?;
        let nats = self.settings.nats_port.context("the stack's NATS has a port")?;
        let datasets = databases::datasets(self.settings, postgres);
        Ok(Access {
            database_url: databases::own(self.settings, port).of(service).to_owned(),
            dataset_database_url: datasets.of(service).to_owned(),
            nats_url: nats_ways(self.settings, nats).of(service).to_owned(),
            nats_prefix: String::new(),
        })
    }
}
