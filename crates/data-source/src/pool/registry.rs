use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadpool::managed::Pool;
use sha2::{Digest as _, Sha256};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};

use super::{Logins, PoolUse};
use crate::{Source, source::Reach};

/// How many connections wait to be used again in all: each costs its data source a
/// process, and us a socket.
const MAX_IDLE: usize = 64;

pub(super) type Entry = Pool<Logins>;

/// The pools that there are, by everything that tells two sources apart.
pub(super) struct Registry {
    idle_time: Duration,
    idle: Arc<Semaphore>,
    pools: Mutex<Pools>,
}

#[derive(Default)]
struct Pools {
    by_source: HashMap<[u8; 32], Arc<Entry>>,
    is_swept: bool,
}

impl Registry {
    pub(super) fn new(idle_time: Duration) -> Self {
        let idle = Arc::new(Semaphore::new(MAX_IDLE));
        Self { idle_time, idle, pools: Mutex::default() }
    }

    /// The source's pool, which is swept from its first use on.
    pub(super) fn entry(
        self: &Arc<Self>,
        source: &Source,
        make: impl FnOnce() -> Entry,
    ) -> Arc<Entry> {
        let mut pools = self.lock();
        if !pools.is_swept {
            pools.is_swept = true;
            let registry = Arc::downgrade(self);
            let period = self.idle_time / 2;
            tokio::spawn(async move {
                loop {
                    sleep(period).await;
                    match registry.upgrade() {
                        Some(registry) if registry.sweep() => {}
                        _ => return,
                    }
                }
            });
        }
        let entry = pools.by_source.entry(digest(source)).or_insert_with(|| Arc::new(make()));
        Arc::clone(entry)
    }

    /// How much of all pools is lent.
    pub(super) fn in_use(&self) -> PoolUse {
        let pools = self.lock();
        let mut sum = PoolUse { sources: pools.by_source.len(), ..PoolUse::default() };
        for status in pools.by_source.values().map(|pool| pool.status()) {
            sum.idle += status.available;
            sum.in_use += status.size.saturating_sub(status.available);
            sum.waiting += status.waiting;
        }
        sum
    }

    /// Leave to keep one more connection that nobody uses.
    pub(super) fn idle_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.idle).try_acquire_owned().ok()
    }

    /// Closes what was not used for long enough, and tells whether anything is left
    /// to look after.
    fn sweep(&self) -> bool {
        let mut pools = self.lock();
        pools.by_source.retain(|_, pool| {
            pool.retain(|pooled, _| {
                pooled.idle.as_ref().is_some_and(|(since, _)| since.elapsed() < self.idle_time)
            });
            // Who holds a pool took it under this lock.
            0 < pool.status().size || 1 < Arc::strong_count(pool)
        });
        pools.is_swept = !pools.by_source.is_empty();
        pools.is_swept
    }

    fn lock(&self) -> MutexGuard<'_, Pools> {
        // Nothing that holds it stops half-way.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells sources apart without keeping their passwords in a key.
fn digest(source: &Source) -> [u8; 32] {
    let Source { host, port, database, user, password, tls, reach } = source;
    let mut digest = Sha256::new();
    let mut add = |part: &[u8]| {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    };
    add(host.as_bytes());
    add(&port.to_be_bytes());
    add(database.as_bytes());
    add(user.as_bytes());
    add(password.as_bytes());
    add(tls.mode.to_string().as_bytes());
    add(&[u8::from(tls.ca_pem.is_some())]);
    add(tls.ca_pem.as_deref().unwrap_or_default().as_bytes());
    add(&[u8::from(*reach == Reach::Trusted)]);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{SslMode, Tls};

    #[test]
    fn every_field_tells_two_sources_apart() {
        let one = Source {
            host: "a".to_owned(),
            port: 5432,
            database: "b".to_owned(),
            user: "c".to_owned(),
            password: "d".to_owned(),
            tls: Tls::default(),
            reach: Reach::Public,
        };
        let tls = |mode, pem: Option<&str>| Tls { mode, ca_pem: pem.map(str::to_owned) };
        let others = [
            Source { host: "ab".to_owned(), database: String::new(), ..one.clone() },
            Source { host: "x".to_owned(), ..one.clone() },
            Source { port: 5433, ..one.clone() },
            Source { database: "x".to_owned(), ..one.clone() },
            Source { user: "x".to_owned(), ..one.clone() },
            Source { password: "x".to_owned(), ..one.clone() },
            Source { tls: tls(SslMode::Require, None), ..one.clone() },
            Source { tls: tls(SslMode::Prefer, Some("")), ..one.clone() },
            Source { reach: Reach::Trusted, ..one.clone() },
        ];

        assert_eq!(digest(&one), digest(&one.clone()));
        for other in others {
            assert_ne!(digest(&one), digest(&other), "{other:?}");
        }
    }
}
