//! Assembles the gRPC server from parts that are already connected.

use std::time::Duration;

use bootstrap::{Condition, Readiness};
use model::{Embedder, Models};
use proto::v1::{
    FILE_DESCRIPTOR_SET, agent_service_server::AgentServiceServer,
    data_source_service_server::DataSourceServiceServer, run_service_server::RunServiceServer,
    session_service_server::SessionServiceServer, user_data_service_server::UserDataServiceServer,
};
use storage::Database;
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tonic::{server::NamedService as _, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    DataSources, Limits, Runs, connections,
    door::Door,
    grpc::{AgentGrpc, DataSourceGrpc, RunGrpc, SessionGrpc, UserDataGrpc},
    tls::Tls,
};

/// What the services are made of.
#[derive(Debug)]
pub struct Parts {
    pub db: Database,
    pub runs: Runs,
    pub sources: DataSources,
    /// Those that agents may be given.
    pub models: Models,
    /// What embeds searches: as the workers embed messages, or nothing is found.
    pub embedder: Embedder,
    pub limits: Limits,
    pub readiness: Readiness,
}

/// How to serve.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether clients can ask for the API's description.
    pub reflection: bool,
    pub max_message_bytes: usize,
    /// The same for the messages of ImportTable.
    pub max_import_message_bytes: usize,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
    pub connections: connections::Limits,
    pub tls: Option<Tls>,
}

/// Serves on `listener` until `shutdown` is cancelled, then lets the requests in
/// flight come to their end, within bounds.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    door: Door,
    settings: Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut public = Routes::new(health_service);
    if settings.reflection {
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        };
        // Older clients know the latter only.
        public = public.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?);
    }
    let Settings { connections: limits, tls, drain, max_message_bytes, .. } = settings;
    let readiness = parts.readiness.clone();
    let private = services(parts, max_message_bytes, settings.max_import_message_bytes);
    let router = door.guard(public, private, max_message_bytes, &limits);
    let mut condition = readiness.now();
    tell(&health, condition).await;
    let telling = async {
        loop {
            condition = readiness.differs_from(condition).await;
            tell(&health, condition).await;
        }
    };

    let serving = connections::serve(listener, router, tls, limits, shutdown.clone());
    let stopped = async {
        shutdown.cancelled().await;
        time::sleep(drain).await;
    };
    tokio::select! {
        () = serving => (),
        never = telling => never,
        () = stopped => tracing::warn!("requests were cut off at the end of the time to drain"),
    }
    Ok(())
}

fn services(parts: Parts, max_bytes: usize, max_import_bytes: usize) -> Routes {
    let Parts { db, runs, sources, models, embedder, limits, .. } = parts;
    let sessions = SessionGrpc::new(runs.clone(), limits, embedder);
    let user_data = UserDataGrpc::new(runs.clone());
    let runs = RunGrpc::new(runs, limits);
    let agents = AgentGrpc::new(db, models);
    let sources = DataSourceGrpc::new(sources, limits.imports);
    Routes::new(SessionServiceServer::new(sessions).max_decoding_message_size(max_bytes))
        .add_service(RunServiceServer::new(runs).max_decoding_message_size(max_bytes))
        .add_service(AgentServiceServer::new(agents).max_decoding_message_size(max_bytes))
        .add_service(UserDataServiceServer::new(user_data).max_decoding_message_size(max_bytes))
        .add_service(
            DataSourceServiceServer::new(sources).max_decoding_message_size(max_import_bytes),
        )
}

const SERVICES: [&str; 5] = [
    SessionServiceServer::<SessionGrpc>::NAME,
    RunServiceServer::<RunGrpc>::NAME,
    AgentServiceServer::<AgentGrpc>::NAME,
    DataSourceServiceServer::<DataSourceGrpc>::NAME,
    UserDataServiceServer::<UserDataGrpc>::NAME,
];

/// Tells who asks for the health of the server, by the name "", or of a service. The server is
/// the process alone; the services are no better than what they need.
async fn tell(health: &HealthReporter, condition: Condition) {
    health.set_service_status("", status(!condition.stopping)).await;
    for name in SERVICES {
        health.set_service_status(name, status(condition.is_ready())).await;
    }
}

fn status(serves: bool) -> ServingStatus {
    if serves { ServingStatus::Serving } else { ServingStatus::NotServing }
}
