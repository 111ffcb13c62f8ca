//! The pair, each time with databases and JetStream names of its own.

mod analyst;
mod api;
mod attempt;
mod database;
pub(crate) mod described;
mod inspect;
mod model_server;
mod other_database;
mod pair;
mod provider;
mod recorded;
mod recorder;
mod said;
mod scrutiny;
mod service;
mod talker;
mod watch;
mod worker;

use std::{sync::Arc, time::Duration};

use data_source::{DatasetStore, Pools};
use model::{Builtin, Embedder, Models, Provider};
use run_queue::Names;
use session_service::{Limits, door::Door, server::Settings};
use sources::Sources;
use storage::{Database, runs::Terms};
use tokio::time;

pub(crate) use analyst::{Analyst, Seen};
pub(crate) use api::{Api, Expect, JWT_SECRET, mask, token};
pub(crate) use attempt::Attempt;
pub(crate) use database::{empty_database, random_name, random_uuid};
pub(crate) use inspect::LONG_QUESTION;
pub(crate) use model_server::{Ending, ModelServer, Reply, delta, event, speech};
pub(crate) use other_database::{OtherDatabase, superuser_in};
pub(crate) use pair::Pair;
pub(crate) use provider::{Acting, Broken, Endless, Gate, Scripted};
pub(crate) use recorded::Recorded;
pub(crate) use recorder::Recorder;
pub(crate) use said::Said;
pub(crate) use scrutiny::{Scrutinized, look_at};
use service::Serving;
pub(crate) use service::{Service, door, limits, settings};
pub(crate) use talker::Talker;
pub(crate) use watch::{Watch, numbered, text};
pub(crate) use worker::{Manner, RunningWorker};

/// For how long a run is a worker's without a sign of life from it, in tests.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
pub(crate) const TERMS: Terms = Terms { lease: LEASE, execution: Duration::from_secs(60) };
const DRAIN: Duration = Duration::from_secs(20);

/// How many questions of a session may wait for their turn, in tests.
pub(crate) const MAX_QUEUED_RUNS: u32 = 100;

/// What seals passwords in tests.
pub(crate) const SEALING_KEYS: &str = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A running session service, with as many workers as a test starts.
pub(crate) struct Harness {
    /// Tertulia's own database, to look into.
    pub db: Database,
    pub database_url: String,
    dataset_url: String,
    pub sources: Sources,
    pub nats: async_nats::Client,
    pub names: Names,
    pub names_prefix: String,
    nats_url: String,
    pub service: Service,
}

/// Which servers a harness uses, and as whom.
pub(crate) struct Place {
    pub database_url: String,
    pub dataset_url: String,
    pub nats: async_nats::Client,
    pub nats_url: String,
    pub names_prefix: String,
}

impl Place {
    async fn new(nats_url: &str) -> Self {
        let servers = dev::test_servers().await.expect("the test servers run");
        Self {
            database_url: database::create_migrated(&servers.database_url).await,
            dataset_url: database::create(&servers.database_url, "d").await,
            nats: run_queue::connect(nats_url, "tests").await.expect("NATS answers"),
            nats_url: nats_url.to_owned(),
            names_prefix: random_name("t").replace('_', ""),
        }
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
        Self::on_nats(&servers.nats_url).await
    }

    /// Without a worker, on a NATS server of its own.
    pub(crate) async fn on_nats(nats_url: &str) -> Self {
        Self::at(Place::new(nats_url).await).await
    }

    /// Without a worker.
    pub(crate) async fn at(place: Place) -> Self {
        let Place { database_url, dataset_url, nats, nats_url, names_prefix } = place;
        let db = storage::connect(&database_url, 10).await.expect("the database answers");
        let store = DatasetStore::connect(&dataset_url).await.expect("the store answers");
        let names = Names::with_prefix(&names_prefix);
        let sources = sources(&db, store);
        let service = Service::start(&sources, &nats, &names, embedder(Builtin), DRAIN).await;
        Self {
            db,
            database_url,
            dataset_url,
            sources,
            nats,
            names,
            names_prefix,
            nats_url,
            service,
        }
    }

    /// Connections of its own to the databases, as another process has them.
    pub(crate) async fn separate_sources(&self) -> Sources {
        let db = storage::connect(&self.database_url, 10).await.expect("the database answers");
        let store = DatasetStore::connect(&self.dataset_url).await.expect("the store answers");
        sources(&db, store)
    }

    /// A connection of its own to NATS.
    pub(crate) async fn separate_nats(&self) -> async_nats::Client {
        run_queue::connect(&self.nats_url, "tests").await.expect("NATS answers")
    }

    /// Starts another instance of the service, which drains for so long.
    pub(crate) async fn another_service(&self, drain: Duration) -> Service {
        let nats = self.separate_nats().await;
        Service::start(&self.sources, &nats, &self.names, embedder(Builtin), drain).await
    }

    /// Starts an instance of the service with these limits.
    pub(crate) async fn service_within(&self, limits: Limits) -> Service {
        let (door, settings) = (service::door(), service::settings());
        self.serve(Serving { door, settings, limits, sweeps: true }).await
    }

    async fn serve(&self, serving: Serving) -> Service {
        let embedder = embedder(Builtin);
        Service::with(&self.sources, &self.nats, &self.names, embedder, serving).await
    }

    /// Starts an instance of the service with this door and these settings.
    pub(crate) async fn service_behind(&self, door: Door, settings: Settings) -> Service {
        let limits = service::limits();
        self.serve(Serving { door, settings, limits, sweeps: true }).await
    }

    /// Starts an instance of the service that has searches embedded by this provider.
    pub(crate) async fn searching_service(&self, provider: impl Provider) -> Service {
        Service::start(&self.sources, &self.nats, &self.names, embedder(provider), DRAIN).await
    }

    /// The API, as one user sees it.
    pub(crate) fn api(&self, user_id: i64) -> Api {
        self.service.api(user_id)
    }

    /// The API, with this token or without any.
    pub(crate) fn api_with(&self, token: Option<String>) -> Api {
        Api::new(self.channel(), token)
    }

    /// Takes the database away, for good.
    pub(crate) async fn lose_database(&self) {
        let (_, name) = self.database_url.rsplit_once('/').expect("the URL ends in a name");
        let drop = format!("DROP DATABASE {name} WITH (FORCE)");
        superuser_in("postgres").await.batch_execute(&drop).await.expect("it may be dropped");
    }

    pub(crate) fn channel(&self) -> Scrutinized {
        self.service.channel()
    }
}

/// A provider, by the name under which it embeds.
fn embedder(provider: impl Provider) -> Embedder {
    Embedder { model: Models::BUILTIN.to_owned(), provider: Arc::new(provider) }
}

/// Data sources on this machine are allowed, since tests have no others.
fn sources(db: &Database, store: DatasetStore) -> Sources {
    let sealer = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse();
    let egress = "127.0.0.0/8".parse();
    Sources {
        db: db.clone(),
        store,
        sealer: sealer.expect("a key of 32 bytes"),
        pools: Pools::new(egress.expect("a network"), data_source::Settings::default()),
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
