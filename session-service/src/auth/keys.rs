//! The keys in use, which are read again while the service goes on.

use std::{future, ops::RangeInclusive, sync::Arc, time::Duration};

use anyhow::ensure;
use arc_swap::ArcSwap;
use bootstrap::{Secret, report};
use futures::FutureExt as _;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{self, Instant},
};

use super::{
    Refusal,
    issuer::Issuer,
    key_set::{Invalid, KeySet},
    source::{self, Document, Source, Unread},
};

/// For how long a request waits for the key that its token names.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many requests wait for keys at a time. Anybody can have one wait.
const MAX_WAITING: usize = 256;

/// How long to wait after a first failure; twice as long after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// How often keys are read.
#[derive(Clone, Debug)]
pub struct Pace {
    /// For files.
    pub look_every: Duration,
    /// For an issuer that does not say for how long its keys hold.
    pub fetch_every: Duration,
    /// What an issuer may say.
    pub holding: RangeInclusive<Duration>,
    /// Between two readings, however many tokens name keys that aren't there.
    pub pause: Duration,
    /// For how long keys are used that can't be read again.
    pub max_stale: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(5),
            fetch_every: Duration::from_secs(300),
            holding: Duration::from_secs(60)..=Duration::from_secs(3600),
            pause: Duration::from_secs(10),
            max_stale: Duration::from_secs(24 * 3600),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// None for a secret, which stays as it is.
    document: Option<Document>,
    pace: Pace,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    held: ArcSwap<Held>,
    /// When keys were last read, or tried to be.
    tried_at: watch::Sender<Option<Instant>>,
    wanted: Notify,
    places_to_wait: Semaphore,
}

impl Shared {
    fn new(held: Held) -> Self {
        Self {
            held: ArcSwap::from_pointee(held),
            tried_at: watch::Sender::default(),
            wanted: Notify::new(),
            places_to_wait: Semaphore::new(MAX_WAITING),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Held {
    keys: Arc<KeySet>,
    /// What they were read from.
    document: Arc<Vec<u8>>,
    /// When they must no longer be used.
    until: Option<Instant>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the tokens' keys were not read")]
    Unread(#[from] Unread),
    #[error("what was read has no tokens' keys")]
    Invalid(#[from] Invalid),
}

impl Keys {
    /// A file must be good at the start; an issuer is not asked yet.
    pub(super) fn new(source: Source, pace: Pace) -> anyhow::Result<Self> {
        let document = match source {
            Source::Secrets(secrets) => return Ok(Self::secrets(&secrets, pace)),
            Source::PublicKeysFile(path) => Document::Pem(path),
            Source::JwksFile(path) => Document::Jwks(path),
            Source::JwksUrl(url) => Document::Published(Issuer::new(url)?),
        };
        let keys = Self { document: None, pace, shared: Arc::new(Shared::new(Held::default())) };
        if let Document::Pem(path) | Document::Jwks(path) = &document {
            keys.take(&document, source::read_file(path)?)?;
            ensure!(!keys.are_absent(), "there is no usable key in it");
        }
        Ok(Self { document: Some(document), ..keys })
    }

    fn secrets(secrets: &[Secret], pace: Pace) -> Self {
        let keys = Arc::new(KeySet::secrets(secrets.iter().map(Secret::expose)));
        let shared = Arc::new(Shared::new(Held { keys, ..Held::default() }));
        Self { document: None, pace, shared }
    }

    /// Waits until there are keys to verify tokens with.
    pub(super) async fn appear(&self) {
        let mut tried_at = self.shared.tried_at.subscribe();
        while self.are_absent() {
            tried_at.changed().await.expect("the sender is next to the keys");
        }
    }

    fn are_absent(&self) -> bool {
        self.shared.held.load().keys.is_empty()
    }

    /// The keys for a token that names this one. If it is not there they are read again,
    /// once for all who ask, and the token waits for that; not where too many do.
    pub(super) async fn naming(&self, id: Option<&str>) -> Result<Arc<KeySet>, Refusal> {
        let mut tried_at = self.shared.tried_at.subscribe();
        let keys = self.usable()?;
        if keys.knows(id) || self.document.is_none() {
            return Ok(keys);
        }
        self.shared.wanted.notify_one();
        let Ok(_place) = self.shared.places_to_wait.try_acquire() else { return Ok(keys) };
        let soon = Instant::now() + PATIENCE;
        let before = *tried_at.borrow();
        if before.is_none_or(|it| it + self.pace.pause < soon) {
            let _ = time::timeout_at(soon, tried_at.changed()).await;
        }
        self.usable()
    }

    /// Those that are too old are not, and are asked for.
    pub(super) fn usable(&self) -> Result<Arc<KeySet>, Refusal> {
        let held = self.shared.held.load();
        match held.until {
            Some(until) if until <= Instant::now() => {
                self.shared.wanted.notify_one();
                Err(Refusal::OldKeys)
            }
            _ => Ok(Arc::clone(&held.keys)),
        }
    }

    /// Reads the keys again whenever it is time, for ever. What can't be used is not:
    /// the keys before stay, for a while.
    pub(super) async fn refresh(self) {
        let Some(document) = &self.document else { return future::pending().await };
        let mut failures = 0;
        let mut pause = if self.are_absent() { Duration::ZERO } else { self.pace.look_every };
        loop {
            self.time_to_read(pause).await;
            pause = match self.read(document).await {
                Ok(holds) => {
                    failures = 0;
                    holds
                }
                Err(failure) => {
                    self.report(&failure);
                    failures += 1;
                    retry_after(failures)
                }
            };
            // Who asked meanwhile has waited for this one.
            let _ = self.shared.wanted.notified().now_or_never();
            self.shared.tried_at.send_replace(Some(Instant::now()));
        }
    }

    /// Waits that long, or until a token names a key that is not there.
    async fn time_to_read(&self, pause: Duration) {
        let not_before = self.shared.tried_at.borrow().map(|it| it + self.pace.pause);
        let wanted = async {
            self.shared.wanted.notified().await;
            time::sleep_until(not_before.unwrap_or_else(Instant::now)).await;
        };
        let _ = time::timeout(pause, wanted).await;
    }

    /// Returns after how long to read again.
    async fn read(&self, document: &Document) -> Result<Duration, Failure> {
        let (read, holds) = document.read().await?;
        self.take(document, read)?;
        let (shortest, longest) = (*self.pace.holding.start(), *self.pace.holding.end());
        let pause = match document {
            Document::Pem(_) | Document::Jwks(_) => self.pace.look_every,
            Document::Published(_) => {
                holds.unwrap_or(self.pace.fetch_every).clamp(shortest, longest)
            }
        };
        // Else they would be too old before they are read again.
        Ok(pause.min(self.pace.max_stale / 2))
    }

    fn take(&self, document: &Document, read: Vec<u8>) -> Result<(), Invalid> {
        let held = self.shared.held.load();
        let until = Some(Instant::now() + self.pace.max_stale);
        if *held.document == read && held.until.is_some() {
            self.shared.held.store(Arc::new(Held { until, ..Held::clone(&held) }));
            return Ok(());
        }
        let keys = Arc::new(document.keys(&read)?);
        if keys.is_empty() {
            tracing::error!("there is no usable key for tokens: nobody gets in");
        } else {
            tracing::info!(keys = keys.len(), "the tokens' keys were read");
        }
        self.shared.held.store(Arc::new(Held { keys, document: Arc::new(read), until }));
        Ok(())
    }

    fn report(&self, failure: &Failure) {
        let failure = report(failure);
        let until = self.shared.held.load().until;
        match until.map(|it| it.saturating_duration_since(Instant::now())) {
            None => tracing::error!(error = %failure, "there are no keys for tokens yet"),
            Some(Duration::ZERO) => {
                tracing::error!(error = %failure, "the tokens' keys are too old: nobody gets in");
            }
            Some(left) => tracing::warn!(error = %failure, ?left, "the tokens' keys are kept"),
        }
    }
}

fn retry_after(failures: u32) -> Duration {
    let doubled = 2u32.saturating_pow(failures - 1);
    FIRST_RETRY.saturating_mul(doubled).min(LAST_RETRY)
}
