//! `setup.json`: what the measuring program is told of the servers and of the pair.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use run_queue::Service;
use serde_json::{Value, json};

use crate::{
    servers::postgres,
    settings::Settings,
    stack::Folder,
    up::{backends::Backends, build::Programs, databases::OWN, launch::Launch},
};

/// What figures depend on, and readers will ask for.
const SHOWN: [&str; 9] = [
    "server_version",
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "wal_level",
    "max_wal_size",
    "shared_buffers",
    "max_connections",
    "jit",
];

pub(super) async fn write(
    folder: &Folder,
    programs: &Programs,
    backends: &Backends,
    settings: &Settings,
    launch: &Launch<'_>,
) -> anyhow::Result<PathBuf> {
    let port = settings.postgres_port.context("Postgres has no port")?;
    let postgres_url = postgres::url("postgres", &settings.postgres_password, port, OWN);
    let pids = launch.pids();
    let setup = json!({
        "folder": folder.path(),
        "postgres": {
            "url": postgres_url,
            "pid": pids.postgres,
            "settings": shown(&postgres_url).await?,
        },
        "nats": { "url": backends.nats.operator, "pid": pids.nats },
        "session_service": service(
            &programs.session_service, backends, settings, Service::SessionService,
        ),
        "run_worker": service(&programs.run_worker, backends, settings, Service::RunWorker),
        "jwt_secret": settings.jwt_secret,
    });
    let file = folder.path().join("setup.json");
    folder.write(&file, &setup)?;
    Ok(file)
}

fn service(program: &Path, backends: &Backends, settings: &Settings, service: Service) -> Value {
    let access = backends.access(service);
    let mut env = json!({
        "DATABASE_URL": access.database_url,
        "DATASET_DATABASE_URL": access.dataset_database_url,
        "NATS_URL": access.nats_url,
        "NATS_PREFIX": access.nats_prefix,
        "SEALING_KEYS": settings.sealing_keys,
    });
    if service == Service::SessionService {
        env["JWT_SECRET"] = settings.jwt_secret.as_str().into();
    }
    json!({ "program": program, "env": env })
}

async fn shown(url: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let query = "SELECT name, current_setting(name) FROM unnest($1::text[]) AS name";
    let rows = postgres::connect(url).await?.query(query, &[&SHOWN.as_slice()]).await?;
    let settings = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    settings.collect()
}
