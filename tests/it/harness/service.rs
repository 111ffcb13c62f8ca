use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use async_nats::Client;
use model::{Embedder, Models};
use run_queue::Names;
use session_service::{
    DataSources, Limits, Runs,
    auth::{Pace, Rules, Source, Verifier},
    connections::{self, Patience},
    door::{Admission, Bounds, Door, Origins, Rate},
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
    Api, JWT_SECRET,
    scrutiny::{Scrutinized, Scrutiny},
    token,
};

/// How much a client with small windows takes without reading, in bytes.
const SMALL_WINDOW: u32 = 64 * 1024;

/// The door as it is by default, for tokens of the tests' issuer.
pub(crate) fn door() -> Door {
    let secret = Source::Secret(JWT_SECRET.parse().expect("any text is a secret"));
    let verifier = Verifier::new(secret, Rules::default(), Pace::default());
    let rate = |number| NonZeroU32::new(number).expect("a positive number");
    let bounds = |in_all, of_a_user| Bounds { in_all, of_a_user };
    Door {
        verifier: verifier.expect("a secret is there at once"),
        rate: Rate::new(rate(1000), rate(2000)),
        admission: Admission::new(bounds(1500, 1000), bounds(20_000, 10_000)),
        origins: Origins::default(),
    }
}

/// The service as it is by default.
pub(crate) fn settings() -> Settings {
    let connections = connections::Limits {
        max_connections: 1000,
        max_concurrent_streams: 1000,
        max_header_bytes: 16_384,
        handshake: Duration::from_secs(10),
        idle: Duration::from_secs(900),
        age: Duration::from_secs(3600),
        grace: Duration::from_secs(300),
        patience: Patience::default(),
    };
    Settings {
        reflection: true,
        max_message_bytes: 4 << 20,
        drain: Duration::from_secs(20),
        connections,
        tls: None,
    }
}

/// How an instance serves.
pub(super) struct Serving {
    pub door: Door,
    pub settings: Settings,
    pub limits: Limits,
}

/// An instance of the session service; stops when dropped.
pub(crate) struct Service {
    /// Its connection.
    pub nats: Client,
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
        let serving = Serving { door: door(), settings, limits: Limits::default() };
        Self::with(sources, nats, names, embedder, serving).await
    }

    /// Starts one that is a test's.
    pub(super) async fn with(
        sources: &Sources,
        nats: &Client,
        names: &Names,
        embedder: Embedder,
        Serving { door, settings, limits }: Serving,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shutdown = CancellationToken::new();
        let runs = Runs::new(sources.db.clone(), nats.clone(), names.clone(), shutdown.clone());
        tokio::spawn(runs.clone().hear_ends(nats.clone(), names.clone()));
        tokio::spawn(runs.clone().hear_events(nats.clone(), names.clone()));
        tokio::spawn(runs.clone().look_for_ends());
        tokio::spawn(runs.clone().keep_streams());
        tokio::spawn(sweep::runs(runs.clone(), shutdown.clone()));
        tokio::spawn(sweep::overdue_runs(runs.clone(), shutdown.clone()));
        tokio::spawn(sweep::datasets(sources.clone(), shutdown.clone()));
        let parts = Parts {
            db: sources.db.clone(),
            runs,
            sources: DataSources::new(sources.clone()),
            models: Models::default(),
            embedder,
            limits,
        };
        let serving = server::serve(listener, parts, door, settings, shutdown.clone());
        let served = tokio::spawn(async { serving.await.expect("it can be served") });

        let channel = Self::endpoint(address).connect_lazy();
        let (nats, stop) = (nats.clone(), shutdown.drop_guard());
        Self { nats, address, channel, scrutiny: Scrutiny::default(), served, stop }
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
