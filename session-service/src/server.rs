//! Assembles the gRPC server from parts that are already connected.

use std::time::Duration;

use model::{Embedder, Models};
use proto::v1::{
    FILE_DESCRIPTOR_SET, agent_service_server::AgentServiceServer,
    data_source_service_server::DataSourceServiceServer, run_service_server::RunServiceServer,
    session_service_server::SessionServiceServer,
};
use storage::DatabaseConnection;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::server::HealthReporter;
use tower::util::MapResponseLayer;

use crate::{
    DataSources, PageLimits, Runs,
    auth::Verifier,
    canonical,
    grpc::{AgentGrpc, DataSourceGrpc, RunGrpc, SessionGrpc},
};

/// How many requests of a connection may be cancelled before they are looked at. A
/// page that is left cancels many at once; more are an attack.
const MAX_PENDING_RESETS: usize = 200;

/// What the services are made of.
#[derive(Debug)]
pub struct Parts {
    pub db: DatabaseConnection,
    pub runs: Runs,
    pub sources: DataSources,
    /// Those that agents may be given.
    pub models: Models,
    pub pages: PageLimits,
    /// What embeds searches: as the workers embed messages, or nothing is found.
    pub embedder: Embedder,
    /// How many questions of a session may wait for their turn.
    pub max_queued_runs: u32,
}

/// How to serve.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Whether clients can ask for the API's description.
    pub reflection: bool,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
}

/// Serves on `listener` until `shutdown` is cancelled, then lets the requests in
/// flight come to their end, within bounds.
pub async fn serve(
    listener: TcpListener,
    parts: Parts,
    verifier: Verifier,
    settings: Settings,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut routes = Routes::new(health_service);
    if settings.reflection {
        let builder = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        };
        // Older clients know the latter only.
        routes = routes.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?);
    }
    let routes = add_services(routes, parts, verifier);
    set_serving(&health).await;

    let stopping = shutdown.clone();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder()
        .layer(MapResponseLayer::new(canonical::complete))
        .http2_max_pending_accept_reset_streams(Some(MAX_PENDING_RESETS))
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .add_routes(routes)
        .serve_with_incoming_shutdown(incoming, async move {
            stopping.cancelled().await;
            set_not_serving(&health).await;
        });
    let too_long = async {
        shutdown.cancelled().await;
        tokio::time::sleep(settings.drain).await;
    };
    tokio::select! {
        served = server => Ok(served?),
        () = too_long => {
            tracing::warn!("requests were cut off at the end of the time to drain");
            Ok(())
        }
    }
}

fn add_services(routes: Routes, parts: Parts, verifier: Verifier) -> Routes {
    let Parts { db, runs, sources, models, pages, embedder, max_queued_runs } = parts;
    routes
        .add_service(SessionServiceServer::with_interceptor(
            SessionGrpc::new(runs.clone(), pages, embedder),
            verifier.clone(),
        ))
        .add_service(RunServiceServer::with_interceptor(
            RunGrpc::new(runs, max_queued_runs),
            verifier.clone(),
        ))
        .add_service(AgentServiceServer::with_interceptor(
            AgentGrpc::new(db, models),
            verifier.clone(),
        ))
        .add_service(DataSourceServiceServer::with_interceptor(
            DataSourceGrpc::new(sources),
            verifier,
        ))
}

async fn set_serving(health: &HealthReporter) {
    health.set_serving::<SessionServiceServer<SessionGrpc>>().await;
    health.set_serving::<RunServiceServer<RunGrpc>>().await;
    health.set_serving::<AgentServiceServer<AgentGrpc>>().await;
    health.set_serving::<DataSourceServiceServer<DataSourceGrpc>>().await;
}

async fn set_not_serving(health: &HealthReporter) {
    health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
    health.set_not_serving::<SessionServiceServer<SessionGrpc>>().await;
    health.set_not_serving::<RunServiceServer<RunGrpc>>().await;
    health.set_not_serving::<AgentServiceServer<AgentGrpc>>().await;
    health.set_not_serving::<DataSourceServiceServer<DataSourceGrpc>>().await;
}
