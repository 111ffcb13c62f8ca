use std::{net::SocketAddr, time::Duration};

use async_nats::Client;
use bootstrap::Readiness;
use clap::Parser as _;
use model::{Embedder, Models};
use run_queue::{Names, Streams};
use session_service::{
    DataSources, Limits, Runs,
    config::Config,
    door::Door,
    server::{self, Parts, Settings},
    sweep,
};
use sources::Sources;
use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{self, Instant},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Channel;

use super::{
    Api, JWT_SECRET, SEALING_KEYS,
    scrutiny::{Scrutinized, Scrutiny},
    token,
};

/// How much a client with small windows takes without reading, in bytes.
const SMALL_WINDOW: u32 = 64 * 1024;

/// The service's configuration as it is by default, for tokens of the tests' issuer.
fn config() -> Config {
    let arguments = [
        "session-service",
        // The tests' pools.
        "--database-max-connections=10",
        "--database-url=postgres://unused",
        "--dataset-database-url=postgres://unused",
        &format!("--sealing-keys={SEALING_KEYS}"),
        &format!("--jwt-secret={JWT_SECRET}"),
    ];
    Config::try_parse_from(arguments).expect("a valid configuration")
}

pub(crate) fn door() -> Door {
    let config = config();
    let verifier = config.tokens.verifier().expect("a secret is there at once");
    config.door(verifier)
}

pub(crate) fn settings() -> Settings {
    config().server().expect("no files are needed")
}

pub(crate) fn limits() -> Limits {
    config().limits()
}

/// How an instance serves.
pub(super) struct Serving {
    pub door: Door,
    pub settings: Settings,
    pub limits: Limits,
    /// Whether it looks after what nobody else has looked at in time.
    pub sweeps: bool,
}

/// An instance of the session service; stops when dropped.
pub(crate) struct Service {
    /// Its connection.
    pub nats: Client,
    pub readiness: Readiness,
    address: SocketAddr,
    channel: Channel,
    /// What is wrong with the errors that clients got.
    scrutiny: Scrutiny,
    served: JoinHandle<()>,
    stop: DropGuard,
}

impl Service {
    pub(super) async fn start(
        sources: &Sources,
        nats: &Client,
        names: &Names,
        embedder: Embedder,
        drain: Duration,
    ) -> Self {
        let settings = Settings { drain, ..settings() };
        let serving = Serving { door: door(), settings, limits: limits(), sweeps: true };
        Self::with(sources, nats, names, embedder, serving).await
    }

    /// Starts one that is a test's.
    pub(super) async fn with(
        sources: &Sources,
        nats: &Client,
        names: &Names,
        embedder: Embedder,
        Serving { door, settings, limits, sweeps }: Serving,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shutdown = CancellationToken::new();
        let readiness = Readiness::new(shutdown.clone());
        let streams = Streams::new(nats.clone(), names.clone());
        let (db, ending) = (sources.db.clone(), shutdown.clone());
        let runs = Runs::new(db, nats.clone(), names.clone(), streams, ending);
        tokio::spawn(runs.clone().hear_ends(nats.clone(), names.clone()));
        tokio::spawn(runs.clone().hear_events(nats.clone(), names.clone()));
        tokio::spawn(runs.clone().keep_streams());
        if sweeps {
            tokio::spawn(runs.clone().look_for_ends());
            tokio::spawn(sweep::runs(runs.clone(), shutdown.clone()));
            tokio::spawn(sweep::overdue_runs(runs.clone(), shutdown.clone()));
            tokio::spawn(sweep::datasets(sources.clone(), shutdown.clone()));
            tokio::spawn(sweep::user_data(runs.clone(), shutdown.clone()));
        }
        let parts = Parts {
            db: sources.db.clone(),
            runs,
            sources: DataSources::new(sources.clone()),
            models: Models::default(),
            embedder,
            limits,
            readiness: readiness.clone(),
        };
        readiness.note(true, true);
        readiness.start();
        let serving = server::serve(listener, parts, door, settings, shutdown.clone());
        let served = tokio::spawn(async { serving.await.expect("it can be served") });

        let channel = Self::endpoint(address).connect_lazy();
        let (nats, stop) = (nats.clone(), shutdown.drop_guard());
        Self { nats, readiness, address, channel, scrutiny: Scrutiny::default(), served, stop }
    }

    fn endpoint(address: SocketAddr) -> tonic::transport::Endpoint {
        Channel::from_shared(format!("http://{address}")).expect("a valid URL")
    }

    /// The API, as one user sees it.
    pub(crate) fn api(&self, user_id: i64) -> Api {
        Api::new(self.channel(), Some(token(user_id)))
    }

    /// The API, with this token.
    pub(crate) fn api_with(&self, token: String) -> Api {
        Api::new(self.channel(), Some(token))
    }

    /// The API as one user sees it, over a connection of its own that takes little without being read.
    pub(crate) fn narrow_api(&self, user_id: i64) -> Api {
        let endpoint = Self::endpoint(self.address)
            .initial_stream_window_size(SMALL_WINDOW)
            .initial_connection_window_size(SMALL_WINDOW);
        Api::new(self.scrutiny.of(endpoint.connect_lazy()), Some(token(user_id)))
    }

    /// The same, over a channel of the test's.
    pub(crate) fn api_over(&self, channel: Channel, user_id: i64) -> Api {
        Api::new(self.scrutiny.of(channel), Some(token(user_id)))
    }

    pub(crate) fn channel(&self) -> Scrutinized {
        self.scrutiny.of(self.channel.clone())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells it to stop, and waits until it has; returns how long that took.
    pub(crate) async fn stop(self) -> Duration {
        let told_at = Instant::now();
        drop(self.stop);
        let stopped = time::timeout(Duration::from_secs(60), self.served).await;
        stopped.expect("it stops within a minute").expect("it does not panic");
        told_at.elapsed()
    }
}
