//! The servers under the pair: the embedded ones, or those that the environment names.

use run_queue::{Names, Service};

use super::{
    Options,
    databases::{self, SERVICE_ROLE},
    launch::Launch,
    services::{Access, Addresses},
    ways::Ways,
};
use crate::{
    servers::{account::create_reachable, fetch, nats, postgres},
    settings::{Settings, choose_port},
    stack::Stack,
};

#[derive(Debug)]
pub(crate) struct Backends {
    pub(crate) database: Ways,
    pub(crate) datasets: Ways,
    pub(crate) nats: Ways,
    pub(crate) nats_prefix: String,
    /// The database's role that needs its rights granted.
    pub(crate) service_role: Option<&'static str>,
}

impl Backends {
    pub(crate) fn access(&self, service: Service) -> Access {
        Access {
            database_url: self.database.of(service).to_owned(),
            dataset_database_url: self.datasets.of(service).to_owned(),
            nats_url: self.nats.of(service).to_owned(),
            nats_prefix: self.nats_prefix.clone(),
        }
    }

    pub(crate) fn into_stack(
        self,
        addresses: Addresses,
        demo_agent_id: i64,
        launch: &Launch<'_>,
    ) -> Stack {
        let Addresses { grpc, admin, worker_admins } = addresses;
        Stack {
            grpc,
            admin,
            worker_admins,
            database_url: self.database.operator,
            dataset_database_url: self.datasets.operator,
            nats_url: self.nats.operator,
            demo_agent_id,
            pids: launch.pids(),
        }
    }
}

pub(crate) async fn start(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<Backends> {
    let given_datasets = given(&options.dataset_database_url).map(Ways::all);
    let (database, datasets, service_role) = match given(&options.database_url) {
        Some(url) => {
            let datasets = match given_datasets {
                Some(datasets) => datasets,
                None => Ways::all(databases::beside(&url).await?),
            };
            (Ways::all(url), datasets, None)
        }
        None => {
            let (superuser_url, port) = start_postgres(options, settings, launch).await?;
            databases::prepare(&superuser_url, settings).await?;
            let datasets = given_datasets.unwrap_or_else(|| databases::datasets(settings, port));
            (databases::own(settings, port), datasets, Some(SERVICE_ROLE))
        }
    };
    let nats = match given(&options.nats_url) {
        Some(url) => Ways::all(url),
        None => start_nats(options, settings, launch).await?,
    };
    let nats_prefix = options.nats_prefix.clone();
    Ok(Backends { database, datasets, nats, nats_prefix, service_role })
}

/// An empty variable counts as absent.
fn given(url: &Option<String>) -> Option<String> {
    url.clone().filter(|url| !url.is_empty())
}

async fn start_postgres(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<(String, u16)> {
    let binaries = fetch::binaries().await?;
    let port = choose_port(options.postgres_port, settings.postgres_port, None)?;
    settings.postgres_port = Some(port);
    settings.save(launch.folder())?;
    create_reachable(&settings.data)?;
    eprintln!("starting Postgres on port {port} ...");
    let config = postgres::Config {
        binaries: &binaries,
        data: &settings.data.join("postgres"),
        log: &launch.folder().log("postgres"),
        port,
        password: &settings.postgres_password,
        durable: true,
        shared_buffers: options.shared_buffers,
    };
    let process = launch.started(postgres::spawn(&config).await?)?;
    launch.watch(postgres::ready(process, &config).await?);
    Ok((config.url(), port))
}

async fn start_nats(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<Ways> {
    let binaries = fetch::binaries().await?;
    let port = choose_port(options.nats_port, settings.nats_port, None)?;
    settings.nats_port = Some(port);
    settings.save(launch.folder())?;
    create_reachable(&settings.data)?;
    eprintln!("starting nats-server on port {port} ...");
    let names = Names::with_prefix(&options.nats_prefix);
    let config = nats::Config {
        binaries: &binaries,
        data: &settings.data.join("nats"),
        log: &launch.folder().log("nats"),
        port,
        password: &settings.nats_password,
        services: &settings.nats_logins(&names),
        durable: true,
    };
    let process = launch.started(nats::spawn(&config)?)?;
    launch.watch(nats::ready(process, &config).await?);
    Ok(nats_ways(settings, port))
}

pub(crate) fn nats_ways(settings: &Settings, port: u16) -> Ways {
    let of = |service: Service| nats::url(service.name(), settings.nats_password_of(service), port);
    Ways {
        operator: nats::url(nats::OPERATOR, &settings.nats_password, port),
        session_service: of(Service::SessionService),
        run_worker: of(Service::RunWorker),
    }
}
