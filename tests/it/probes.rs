//! What operators' probes are told, while what the service needs comes and goes.

mod start;

use bootstrap::{Admin, Condition, Dependencies, Readiness, health, metrics::Exporter};
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::StatusCode;
use run_queue::Probe;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    harness::{Harness, eventually, superuser_in},
    run_queue::own_server::OwnServer,
};

async fn get(address: &str, path: &str) -> (StatusCode, String) {
    // Has no default, and nothing here is encrypted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::get(format!("http://{address}{path}")).await.expect("it answers");
    (answer.status(), answer.text().await.expect("it is whole"))
}

/// A service whose readiness goes by what it needs, with its admin port.
struct Probed {
    harness: Harness,
    admin: String,
    watched: JoinHandle<()>,
}

impl Probed {
    async fn start(nats: &OwnServer) -> Self {
        let harness = Harness::on_nats(&nats.url()).await;
        let database = storage::Probe::connect(&harness.database_url).await.expect("it answers");
        let queue = Probe::new(harness.nats.clone(), &harness.names);
        let readiness = harness.service.readiness.clone();
        // From now on the checks say it.
        readiness.note(false, false);
        let watched = tokio::spawn(Dependencies { database, queue }.watch(readiness.clone()));
        let admin = serve_admin(readiness).await;
        let probed = Self { harness, admin, watched };
        probed.ready_is(StatusCode::OK).await;
        probed
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        get(&self.admin, path).await
    }

    /// Waits until the readiness probe gets this status, and returns what comes with it.
    async fn ready_is(&self, wanted: StatusCode) -> Value {
        eventually("the readiness", async || {
            let (status, condition) = self.get("/readyz").await;
            (status == wanted).then(|| serde_json::from_str(&condition).expect("it is JSON"))
        })
        .await
    }

    async fn health_is(&self, service: &str, wanted: ServingStatus) {
        eventually("the health", async || {
            let mut client = HealthClient::new(self.harness.channel());
            let request = HealthCheckRequest { service: service.to_owned() };
            let answer = client.check(request).await.expect("an answer").into_inner();
            (answer.status() == wanted).then_some(())
        })
        .await;
    }

    async fn assert_alive(&self) {
        assert_eq!(self.get("/livez").await.0, StatusCode::OK);
        self.health_is("", ServingStatus::Serving).await;
    }
}

async fn serve_admin(readiness: Readiness) -> String {
    let metrics = Exporter::of(PrometheusBuilder::new().build_recorder().handle());
    let admin = Admin { admin_addr: "127.0.0.1:0".parse().expect("an address") };
    admin.serve(readiness, metrics).await.expect("a free port").to_string()
}

const SERVICE: &str = "tertulia.v1.SessionService";

#[tokio::test]
async fn without_nats_the_service_is_not_ready_and_lives() {
    let mut nats = OwnServer::start().await;
    let probed = Probed::start(&nats).await;
    probed.health_is(SERVICE, ServingStatus::Serving).await;

    nats.stop().await;
    let condition = probed.ready_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!((&condition["nats"], &condition["database"]), (&false.into(), &true.into()));
    probed.health_is(SERVICE, ServingStatus::NotServing).await;
    probed.assert_alive().await;

    nats.start_again().await;
    probed.ready_is(StatusCode::OK).await;
    probed.health_is(SERVICE, ServingStatus::Serving).await;
}

#[tokio::test]
async fn a_process_that_nats_has_never_answered_is_not_ready() {
    let mut nats = OwnServer::start().await;
    let harness = Harness::on_nats(&nats.url()).await;
    let wrong = nats.url().replace("secret", "wrong");
    let client = run_queue::connect(&wrong, "tests").await.unwrap();
    let queue = Probe::new(client, &harness.names);
    let database = storage::Probe::connect(&harness.database_url).await.unwrap();
    let readiness = Readiness::new(CancellationToken::new());
    let watched = tokio::spawn(Dependencies { database, queue }.watch(readiness.clone()));
    readiness.start();

    let known = Condition { started: true, ..Condition::default() };
    let condition = readiness.differs_from(known).await;

    assert!(condition.database && !condition.nats && !condition.is_ready(), "{condition:?}");
    watched.abort();
    nats.stop().await;
}

#[tokio::test]
async fn without_the_database_the_service_is_not_ready_and_lives() {
    let nats = OwnServer::start().await;
    let probed = Probed::start(&nats).await;
    let admin = superuser_in("postgres").await;
    let (_, name) = probed.harness.database_url.rsplit_once('/').unwrap();
    let away = format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    );
    admin.batch_execute(&away).await.unwrap();

    let condition = probed.ready_is(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!((&condition["nats"], &condition["database"]), (&true.into(), &false.into()));
    probed.health_is(SERVICE, ServingStatus::NotServing).await;
    probed.assert_alive().await;

    let back = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true");
    admin.batch_execute(&back).await.unwrap();
    probed.ready_is(StatusCode::OK).await;
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_as_if_it_were_not_there() {
    let harness = Harness::without_worker().await;
    let (_, name) = harness.database_url.rsplit_once('/').unwrap();
    assert!(storage::Probe::connect(&harness.database_url).await.unwrap().answers().await);

    let standby = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    superuser_in("postgres").await.batch_execute(&standby).await.unwrap();

    assert!(!storage::Probe::connect(&harness.database_url).await.unwrap().answers().await);
}

#[tokio::test]
async fn a_queue_that_is_missing_is_made_again_and_no_reason_to_be_away() {
    let nats = OwnServer::start().await;
    let client = run_queue::connect(&nats.url(), "tests").await.unwrap();
    let probe = Probe::new(client, &run_queue::Names::with_prefix("nobody"));

    eventually("the connection", async || probe.answers().await.then_some(())).await;
}

#[tokio::test]
async fn a_service_that_was_told_to_stop_is_not_ready_and_lives() {
    let shutdown = CancellationToken::new();
    let readiness = Readiness::new(shutdown.clone());
    let admin = serve_admin(readiness.clone()).await;
    let starting = health::check(admin.parse().unwrap()).await.unwrap_err();
    assert!(starting.to_string().contains(r#""started":false"#), "{starting}");
    readiness.start();
    let unknown = health::check(admin.parse().unwrap()).await.unwrap_err();
    assert!(unknown.to_string().contains(r#""started":true"#), "{unknown}");
    readiness.note(true, true);
    health::check(admin.parse().unwrap()).await.unwrap();

    shutdown.cancel();
    readiness.differs_from(Condition { stopping: false, ..readiness.now() }).await;

    let stopping = health::check(admin.parse().unwrap()).await.unwrap_err();
    assert!(stopping.to_string().contains(r#""stopping":true"#), "{stopping}");
    assert_eq!(get(&admin, "/livez").await.0, StatusCode::OK);
}

impl Drop for Probed {
    fn drop(&mut self) {
        self.watched.abort();
    }
}
