//! Assembles the gRPC server from parts that are already connected.

use std::time::Duration;

use model::{Embedder, Models};
use proto::v1::{
    FILE_DESCRIPTOR_SET, agent_service_server::AgentServiceServer,
    data_source_service_server::DataSourceServiceServer, run_service_server::RunServiceServer,
    session_service_server::SessionServiceServer, user_data_service_server::UserDataServiceServer,
};
use storage::DatabaseConnection;
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::server::HealthReporter;

use crate::{
    DataSources, Limits, Runs, connections,
    door::Door,
    grpc::{AgentGrpc, DataSourceGrpc, RunGrpc, SessionGrpc, UserDataGrpc},
    tls::Tls,
};

/// What the services are made of.
#[derive(Debug)]
pub struct Parts {
    pub db: DatabaseConnection,
    pub runs: Runs,
    pub sources: DataSources,
    /// Those that agents may be given.
    pub models: Models,
    /// What embeds searches: as the workers embed messages, or nothing is found.
    pub embedder: Embedder,
    pub limits: Limits,
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
    let private = services(parts, max_message_bytes, settings.max_import_message_bytes);
    let router = door.guard(public, private, max_message_bytes, &limits);
    set_serving(&health).await;

    let serving = connections::serve(listener, router, tls, limits, shutdown.clone());
    let stopped = async {
        shutdown.cancelled().await;
        set_not_serving(&health).await;
        time::sleep(drain).await;
    };
    tokio::select! {
        () = serving => (),
        () = stopped => tracing::warn!("requests were cut off at the end of the time to drain"),
    }
    Ok(())
}

fn services(parts: Parts, max_bytes: usize, max_import_bytes: usize) -> Routes {
    let Parts { db, runs, sources, models, embedder, limits } = parts;
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

async fn set_serving(health: &HealthReporter) {
    health.set_serving::<SessionServiceServer<SessionGrpc>>().await;
    health.set_serving::<RunServiceServer<RunGrpc>>().await;
    health.set_serving::<AgentServiceServer<AgentGrpc>>().await;
    health.set_serving::<DataSourceServiceServer<DataSourceGrpc>>().await;
    health.set_serving::<UserDataServiceServer<UserDataGrpc>>().await;
}

async fn set_not_serving(health: &HealthReporter) {
    health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    health.set_not_serving::<SessionServiceServer<SessionGrpc>>().await;
    health.set_not_serving::<RunServiceServer<RunGrpc>>().await;
    health.set_not_serving::<AgentServiceServer<AgentGrpc>>().await;
    health.set_not_serving::<DataSourceServiceServer<DataSourceGrpc>>().await;
    health.set_not_serving::<UserDataServiceServer<UserDataGrpc>>().await;
}
