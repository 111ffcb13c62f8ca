//! The pair itself: migrated, started, and awaited.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, ensure};
use run_queue::Service;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::{Options, backends::Backends, build::Programs, launch::Launch};
use crate::{
    servers::{
        free_port,
        process::{Process, Shutdown},
    },
    settings::{Settings, choose_port},
};

const DEFAULT_GRPC_PORT: u16 = 50051;
const SERVICE: &str = "tertulia.v1.SessionService";
const PATIENCE: Duration = Duration::from_secs(60);
const CALL_PATIENCE: Duration = Duration::from_secs(5);

/// `service_role` is granted its rights; without it, whoever migrates has all.
pub(crate) async fn migrate(
    programs: &Programs,
    database_url: &str,
    service_role: Option<&str>,
) -> anyhow::Result<()> {
    eprintln!("migrating ...");
    let mut command = tokio::process::Command::new(&programs.migration);
    command.arg("up").env("DATABASE_URL", database_url).kill_on_drop(true);
    if let Some(role) = service_role {
        command.env("SERVICE_ROLE", role);
    }
    let status =
        command.status().await.with_context(|| programs.migration.display().to_string())?;
    ensure!(status.success(), "the migration failed ({status})");
    Ok(())
}

/// Where the pair answers.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) grpc: String,
    pub(crate) admin: String,
    pub(crate) worker_admins: Vec<String>,
}

/// Starts the pair.
pub(crate) async fn start(
    options: &Options,
    programs: &Programs,
    backends: &Backends,
    settings: &mut Settings,
    launch: &mut Launch<'_>,
) -> anyhow::Result<Addresses> {
    let port = choose_port(options.grpc_port, settings.grpc_port, Some(DEFAULT_GRPC_PORT))?;
    settings.grpc_port = Some(port);
    settings.save(launch.folder())?;
    let grpc = format!("127.0.0.1:{port}");

    eprintln!("starting session-service on port {port} and {} run-worker(s) ...", options.workers);
    let mut worker_admins = Vec::new();
    for number in 1..=options.workers {
        let admin = free_address()?;
        let access = backends.access(Service::RunWorker);
        let mut command = service(&programs.run_worker, &access, settings);
        command.env("ADMIN_ADDR", &admin);
        worker_admins.push(admin);
        let log = format!("run-worker-{number}");
        let worker = spawn("run-worker", &mut command, &programs.run_worker, &log, launch)?;
        launch.watch(worker);
    }
    let access = backends.access(Service::SessionService);
    let mut command = service(&programs.session_service, &access, settings);
    let admin = free_address()?;
    command.env("JWT_SECRET", &settings.jwt_secret);
    command.env("LISTEN_ADDR", &grpc).env("ADMIN_ADDR", &admin);
    if let Some(origins) = &options.cors_allow_origins {
        command.env("CORS_ALLOW_ORIGINS", origins);
    }
    let name = "session-service";
    let api = spawn(name, &mut command, &programs.session_service, name, launch)?;
    launch.watch(api.ready(PATIENCE, || serving(&grpc)).await?);
    Ok(Addresses { grpc, admin, worker_admins })
}

fn free_address() -> anyhow::Result<String> {
    Ok(format!("127.0.0.1:{}", free_port()?))
}

/// What one of them logs in with.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) database_url: String,
    pub(crate) dataset_database_url: String,
    pub(crate) nats_url: String,
    pub(crate) nats_prefix: String,
}

/// What a shell may have set for another deployment, and would have these services refuse
/// the tokens of `cargo dev`, or calls without TLS.
const OF_OTHERS: [&str; 10] = [
    "JWT_PREVIOUS_SECRET",
    "JWT_PUBLIC_KEYS_FILE",
    "JWT_JWKS_FILE",
    "JWT_JWKS_URL",
    "JWT_USER_CLAIM",
    "JWT_ISSUER",
    "JWT_AUDIENCE",
    "TLS_CERTIFICATE_FILE",
    "TLS_KEY_FILE",
    "TLS_CLIENT_CA_FILE",
];

pub(crate) fn service(program: &Path, access: &Access, settings: &Settings) -> Command {
    let mut command = Command::new(program);
    for variable in OF_OTHERS {
        command.env_remove(variable);
    }
    command
        // Several are on one machine.
        .env("ADMIN_ADDR", "127.0.0.1:0")
        .env("DATABASE_URL", &access.database_url)
        .env("DATASET_DATABASE_URL", &access.dataset_database_url)
        .env("NATS_URL", &access.nats_url)
        .env("NATS_PREFIX", &access.nats_prefix)
        .env("SEALING_KEYS", &settings.sealing_keys);
    command
}

fn spawn(
    name: &str,
    command: &mut Command,
    program: &Path,
    log: &str,
    launch: &mut Launch<'_>,
) -> anyhow::Result<Process> {
    let log = launch.folder().log(log);
    launch.started(Process::spawn(name, command, &log, program, Shutdown::Graceful)?)
}

pub(crate) async fn serving(grpc: &str) -> anyhow::Result<()> {
    let endpoint = Endpoint::try_from(format!("http://{grpc}"))?.connect_timeout(CALL_PATIENCE);
    let mut client = HealthClient::new(endpoint.connect().await?);
    let request = HealthCheckRequest { service: SERVICE.to_owned() };
    let response = timeout(CALL_PATIENCE, client.check(request)).await??;
    let status = response.into_inner().status();
    ensure!(status == ServingStatus::Serving, "{SERVICE} is {}", status.as_str_name());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, ffi::OsStr, path::PathBuf};

    use super::*;

    #[test]
    fn what_a_shell_has_set_for_others_does_not_reach_the_services() {
        let access = Access {
            database_url: String::new(),
            dataset_database_url: String::new(),
            nats_url: String::new(),
            nats_prefix: String::new(),
        };
        let settings = Settings::generate(PathBuf::new()).unwrap();

        let command = service(Path::new("any"), &access, &settings);

        let variables: HashMap<_, _> = command.get_envs().collect();
        assert_eq!(variables[OsStr::new("JWT_JWKS_URL")], None);
        assert_eq!(variables[OsStr::new("TLS_CERTIFICATE_FILE")], None);
        assert_eq!(variables[OsStr::new("NATS_PREFIX")], Some(OsStr::new("")));
    }
}
