//! The servers under the pair: the embedded ones, or those that the environment names.

use super::{Options, databases, launch::Launch};
use crate::{
    servers::{account::create_reachable, fetch, nats, postgres},
    settings::{Settings, choose_port},
    stack::Stack,
};

#[derive(Debug)]
pub(crate) struct Backends {
    pub(crate) database_url: String,
    pub(crate) dataset_database_url: String,
    pub(crate) nats_url: String,
}

impl Backends {
    pub(crate) fn into_stack(self, grpc: String, demo_agent_id: i64, launch: &Launch<'_>) -> Stack {
        let Self { database_url, dataset_database_url, nats_url } = self;
        let pids = launch.pids();
        Stack { grpc, database_url, dataset_database_url, nats_url, demo_agent_id, pids }
    }
}

pub(crate) async fn start(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<Backends> {
    let given_datasets = given(&options.dataset_database_url);
    let (database_url, dataset_database_url) = match given(&options.database_url) {
        Some(url) => {
            let datasets = match given_datasets {
                Some(datasets) => datasets,
                None => databases::beside(&url).await?,
            };
            (url, datasets)
        }
        None => {
            let superuser_url = start_postgres(options, settings, launch).await?;
            let (database, datasets) = databases::prepare(&superuser_url, settings).await?;
            (database, given_datasets.unwrap_or(datasets))
        }
    };
    let nats_url = match given(&options.nats_url) {
        Some(url) => url,
        None => start_nats(options, settings, launch).await?,
    };
    Ok(Backends { database_url, dataset_database_url, nats_url })
}

/// An empty variable counts as absent.
fn given(url: &Option<String>) -> Option<String> {
    url.clone().filter(|url| !url.is_empty())
}

async fn start_postgres(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<String> {
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
    };
    let process = launch.started(postgres::spawn(&config).await?)?;
    launch.watch(postgres::ready(process, &config).await?);
    Ok(config.url())
}

async fn start_nats(
    options: &Options,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<String> {
    let binaries = fetch::binaries().await?;
    let port = choose_port(options.nats_port, settings.nats_port, None)?;
    settings.nats_port = Some(port);
    settings.save(launch.folder())?;
    create_reachable(&settings.data)?;
    eprintln!("starting nats-server on port {port} ...");
    let config = nats::Config {
        binaries: &binaries,
        data: &settings.data.join("nats"),
        log: &launch.folder().log("nats"),
        port,
        password: &settings.nats_password,
        durable: true,
    };
    let process = launch.started(nats::spawn(&config)?)?;
    launch.watch(nats::ready(process, &config).await?);
    Ok(config.url())
}
