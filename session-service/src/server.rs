//! Assembles the gRPC server from parts that are already connected.

use std::time::Duration;

use bootstrap::{Condition, Readiness};
use model::{Embedder, Models};
use proto::v1::FILE_DESCRIPTOR_SET;
use storage::Database;
use tokio::{net::TcpListener, time};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{DataSources, Limits, Runs, connections, door::Door, services::Services, tls::Tls};

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
    let services = Services::new(parts, max_message_bytes, settings.max_import_message_bytes);
    let entrance = door.guard(public, services, max_message_bytes, &limits);
    let mut condition = readiness.now();
    tell(&health, condition).await;
    let telling = async {
        loop {
            condition = readiness.differs_from(condition).await;
            tell(&health, condition).await;
        }
    };

    let serving = connections::serve(listener, entrance, tls, limits, shutdown.clone());
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

/// Tells who asks for the health of the server, by the name "", or of a service. The server is
/// the process alone; the services are no better than what they need.
async fn tell(health: &HealthReporter, condition: Condition) {
    health.set_service_status("", status(!condition.stopping)).await;
    for name in Services::NAMES {
        health.set_service_status(name, status(condition.is_ready())).await;
    }
}

fn status(serves: bool) -> ServingStatus {
    if serves { ServingStatus::Serving } else { ServingStatus::NotServing }
}
