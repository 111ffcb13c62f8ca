//! The pair, each time with databases and JetStream names of its own.

mod api;
mod database;
mod other_database;
mod provider;

use std::{sync::Arc, time::Duration};

use data_source::DatasetStore;
use model::Provider;
use run_queue::{Names, Publisher};
use run_worker::Worker;
use sea_orm::DatabaseConnection;
use session_service::{
    DataSources, PageLimits, Runs,
    auth::{Rules, Verifier},
    server::{self, Parts},
    sweep,
};
use sources::Sources;
use tokio::{net::TcpListener, time};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;

pub(crate) use api::{Api, Expect, JWT_SECRET, mask, token};
pub(crate) use database::{empty_database, random_name};
pub(crate) use other_database::{OtherDatabase, superuser_in};
pub(crate) use provider::{Gate, Scripted};

/// For how long a run is a worker's without a sign of life from it, in tests.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// What seals passwords in tests.
pub(crate) const SEALING_KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A running session service, with as many workers as a test starts.
pub(crate) struct Harness {
    /// Tertulia's own database, to look into.
    pub db: DatabaseConnection,
    pub database_url: String,
    pub sources: Sources,
    pub nats: async_nats::Client,
    pub names: Names,
    pub names_prefix: String,
    channel: Channel,
    _stop: DropGuard,
}

/// A worker; stops when dropped, whatever it is doing.
pub(crate) struct RunningWorker {
    task: tokio::task::JoinHandle<()>,
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Harness {
    /// Starts the service, and one worker with the builtin provider.
    pub(crate) async fn start() -> (Self, RunningWorker) {
        let harness = Self::without_worker().await;
        let worker = harness.worker(model::Builtin, 4);
        (harness, worker)
    }

    pub(crate) async fn without_worker() -> Self {
        // Shown for tests that fail; the first test of the process sets it up.
        let _ = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .with_test_writer()
            .try_init();
        let servers = dev::test_servers().await.expect("the test servers run");
        let database_url = database::create_migrated(&servers.database_url).await;
        let dataset_url = database::create(&servers.database_url, "d").await;
        let db = storage::connect(&database_url, 10).await.expect("the database answers");
        let store = DatasetStore::connect(&dataset_url).await.expect("the store answers");
        let nats = run_queue::connect(&servers.nats_url, "tests").await.expect("NATS answers");
        let names_prefix = random_name("t").replace('_', "");
        let names = Names::with_prefix(&names_prefix);

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shutdown = CancellationToken::new();
        let publisher = Publisher::new(nats.clone(), names.clone());
        let runs = Runs::new(db.clone(), publisher, shutdown.clone());
        tokio::spawn(runs.clone().hear_ends(nats.clone(), names.clone()));
        tokio::spawn(sweep::runs(runs.clone(), shutdown.clone()));
        let sources = sources(&db, store);
        tokio::spawn(sweep::datasets(sources.clone(), shutdown.clone()));
        let parts = Parts {
            db: db.clone(),
            runs,
            sources: DataSources::new(sources.clone()),
            pages: PageLimits::default(),
        };
        let rules = Rules { secret: JWT_SECRET, user_claim: "sub", issuer: None, audience: None };
        let verifier = Verifier::new(&rules);
        tokio::spawn(server::serve(listener, parts, verifier, true, shutdown.clone()));

        let channel =
            Channel::from_shared(format!("http://{address}")).expect("a valid URL").connect_lazy();
        let _stop = shutdown.drop_guard();
        Self { db, database_url, sources, nats, names, names_prefix, channel, _stop }
    }

    /// Starts a worker.
    pub(crate) fn worker(&self, provider: impl Provider, concurrency: u16) -> RunningWorker {
        let worker = Worker {
            db: self.db.clone(),
            publisher: Publisher::new(self.nats.clone(), self.names.clone()),
            sources: self.sources.clone(),
            provider: Arc::new(provider),
            lease: LEASE,
        };
        let (nats, names) = (self.nats.clone(), self.names.clone());
        let task = worker.run(nats, names, concurrency, CancellationToken::new());
        RunningWorker { task: tokio::spawn(task) }
    }

    /// The API, as one user sees it.
    pub(crate) fn api(&self, user_id: i64) -> Api {
        Api::new(self.channel.clone(), Some(token(user_id)))
    }

    /// The API, with this token or without any.
    pub(crate) fn api_with(&self, token: Option<String>) -> Api {
        Api::new(self.channel.clone(), token)
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// Data sources on this machine are allowed, since tests have no others.
fn sources(db: &DatabaseConnection, store: DatasetStore) -> Sources {
    let sealer = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse();
    let egress = "127.0.0.0/8".parse();
    Sources {
        db: db.clone(),
        store,
        sealer: sealer.expect("a key of 32 bytes"),
        egress: egress.expect("a network"),
    }
}

/// Asks again and again until there is an answer; panics after 30 s.
pub(crate) async fn eventually<T, F>(what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let polling = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = time::timeout(Duration::from_secs(30), polling).await;
    answer.unwrap_or_else(|_| panic!("{what} did not happen within 30 s"))
}
