//! Everything that runs for one run of the harness: Postgres and NATS on ports and in a folder of
//! their own, migrated databases, and the pair, some of each.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use run_queue::Names;
use tempfile::TempDir;

use super::{
    child::{Child, Program, Setup},
    database::Database,
    owned::Owned,
};
use crate::{
    folders,
    servers::{
        account::{create_reachable, is_root},
        fetch::{self, Binaries},
        free_port, nats, postgres,
    },
    settings::Settings,
    up::{
        build,
        databases::{self, OWN, SERVICE_ROLE},
        services,
    },
};

const SERVICES: usize = 2;
const WORKERS: usize = 3;

/// Dropped in the order of its fields: the pair before the servers, and those before their data.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) children: Vec<Child>,
    pub(super) setup: Setup,
    pub(super) database: Arc<Database>,
    nats: Option<Owned>,
    postgres: Option<Owned>,
    binaries: Binaries,
    data: TempDir,
}

impl Cluster {
    /// Starts the servers, and prepares the databases; not yet the pair.
    pub(super) async fn start(logs: PathBuf) -> anyhow::Result<Self> {
        let programs = build::services().await?;
        let binaries = fetch::binaries().await?;
        let data = data_folder()?;
        let mut settings = Settings::generate(data.path().to_owned())?;
        let postgres_port = free_port()?;
        settings.postgres_port = Some(postgres_port);
        settings.nats_port = Some(free_port()?);
        let superuser = |database| {
            postgres::url("postgres", &settings.postgres_password, postgres_port, database)
        };
        let (server, own) = (superuser("postgres"), superuser(OWN));
        fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        let database = Arc::new(Database::new(own));
        let setup = Setup { programs, settings, logs };
        let (children, nats, postgres) = (Vec::new(), None, None);
        let mut cluster = Self { children, setup, database, nats, postgres, binaries, data };
        cluster.start_postgres().await?;
        cluster.start_nats().await?;
        cluster.prepare(&server).await?;
        Ok(cluster)
    }

    async fn prepare(&self, server: &str) -> anyhow::Result<()> {
        let settings = &self.setup.settings;
        databases::prepare(server, settings).await?;
        let port = settings.postgres_port.context("Postgres has no port")?;
        let owner = databases::own(settings, port).operator;
        services::migrate(&self.setup.programs, &owner, Some(SERVICE_ROLE)).await
    }

    pub(super) async fn start_pair(&mut self) -> anyhow::Result<()> {
        for (program, count) in [(Program::SessionService, SERVICES), (Program::RunWorker, WORKERS)]
        {
            for number in 1..=count {
                self.children.push(Child::new(program, number, &self.setup).await?);
            }
        }
        for child in &mut self.children {
            child.start(&self.setup, &self.database).await?;
        }
        for child in &mut self.children {
            child.ready().await?;
        }
        Ok(())
    }

    /// Starts a child's next incarnation, and waits for it.
    pub(super) async fn replace(&mut self, index: usize) -> anyhow::Result<()> {
        let child = &mut self.children[index];
        child.start(&self.setup, &self.database).await?;
        child.ready().await
    }

    /// Where the services serve.
    pub(super) fn grpc(&self) -> Vec<String> {
        let services = self.children.iter().filter(|it| it.program == Program::SessionService);
        services.map(|service| service.grpc().to_owned()).collect()
    }

    pub(super) fn indices(&self, program: Program) -> Vec<usize> {
        let children = self.children.iter().enumerate();
        children.filter(|(_, child)| child.program == program).map(|(index, _)| index).collect()
    }

    /// The child that has a database role now.
    pub(super) fn find(&self, role: &str) -> Option<usize> {
        self.children.iter().position(|child| child.role() == role)
    }

    pub(super) fn nats_url(&self) -> String {
        let Settings { nats_password, nats_port, .. } = &self.setup.settings;
        nats::url(nats::OPERATOR, nats_password, nats_port.unwrap_or_default())
    }

    pub(super) async fn start_postgres(&mut self) -> anyhow::Result<()> {
        let settings = &self.setup.settings;
        let config = postgres::Config {
            binaries: &self.binaries,
            data: &self.data.path().join("postgres"),
            log: &self.setup.new_log("postgres"),
            port: settings.postgres_port.context("Postgres has no port")?,
            password: &settings.postgres_password,
            // An immediate shutdown must not lose what was committed.
            durable: true,
            shared_buffers: None,
        };
        let process = self.postgres.insert(Owned::new(postgres::spawn(&config).await?));
        let url = config.url();
        process.ready(async || postgres::check(&url).await).await
    }

    pub(super) async fn start_nats(&mut self) -> anyhow::Result<()> {
        let settings = &self.setup.settings;
        let names = Names::with_prefix("");
        let config = nats::Config {
            binaries: &self.binaries,
            data: &self.data.path().join("nats"),
            log: &self.setup.new_log("nats"),
            port: settings.nats_port.context("NATS has no port")?,
            password: &settings.nats_password,
            services: &settings.nats_logins(&names),
            durable: false,
        };
        let process = self.nats.insert(Owned::new(nats::spawn(&config)?));
        let url = config.url();
        process.ready(async || nats::check(&url).await).await
    }

    /// One of Postgres' programs.
    pub(super) fn postgres_programs(&self) -> &Path {
        &self.binaries.postgres
    }

    /// As a machine that is gone: in its place there is a server that has nothing.
    pub(super) async fn lose_postgres(&mut self) -> anyhow::Result<()> {
        self.stop_postgres(Signal::SIGQUIT).await?;
        fs::remove_dir_all(self.data.path().join("postgres"))?;
        self.start_postgres().await
    }

    /// The same of NATS.
    pub(super) async fn lose_nats(&mut self) -> anyhow::Result<()> {
        self.stop_nats().await?;
        fs::remove_dir_all(self.data.path().join("nats"))?;
        self.start_nats().await
    }

    pub(super) async fn stop_postgres(&mut self, signal: Signal) -> anyhow::Result<()> {
        let process = self.postgres.take().context("Postgres was stopped")?;
        send_and_stop(process, signal).await
    }

    pub(super) async fn stop_nats(&mut self) -> anyhow::Result<()> {
        self.nats.take().context("NATS was stopped")?.stop().await
    }

    /// Ends everything: the pair at once, and the servers so that they keep what they have.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        self.children.clear();
        self.stop_nats().await?;
        self.stop_postgres(Signal::SIGINT).await
    }
}

async fn send_and_stop(mut process: Owned, signal: Signal) -> anyhow::Result<()> {
    process.get()?.signal(signal)?;
    process.get()?.end_within(super::child::DRAIN_PATIENCE).await?;
    process.stop().await
}

/// As root, the servers' user may not be able to reach the target folder.
fn data_folder() -> anyhow::Result<TempDir> {
    let parent = if is_root() { "/var/tmp".into() } else { folders::target().join("chaos") };
    create_reachable(&parent)?;
    let mut builder = tempfile::Builder::new();
    let folder = builder.prefix("tertulia-chaos-").tempdir_in(&parent)?;
    if is_root() {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}
