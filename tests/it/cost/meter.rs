use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use recorder::Recorder;
use sea_orm::ConnectionTrait as _;
use storage::Database;
use tokio::time::{self, Instant};

use super::{
    calls::Meter,
    table::Table,
    traffic::{Cost, FORM, Traffic},
};
use crate::harness::{Harness, Recorded};

/// What nobody knows of yet that a call leads to comes so soon after its answer.
const SOON: Duration = Duration::from_millis(30);

/// What is known to come is waited for so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Measures calls of one service, or of a service and a worker.
pub(super) struct TrafficMeter<'a> {
    recorder: &'a Recorder,
    db: &'a Database,
    published: Arc<AtomicUsize>,
    known: Table<6>,
    costs: BTreeMap<&'static str, Cost>,
}

impl<'a> TrafficMeter<'a> {
    pub(super) async fn start(harness: &Harness, recorded: &'a Recorded, known: Table<6>) -> Self {
        let published = Arc::<AtomicUsize>::default();
        let messages = harness.nats.subscribe(harness.names.all_messages()).await;
        let mut messages = messages.expect("NATS answers");
        harness.nats.flush().await.expect("NATS answers");
        let counter = Arc::clone(&published);
        tokio::spawn(async move {
            while messages.next().await.is_some() {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (recorder, db) = (&recorded.recorder, &recorded.sources.db);
        Self { recorder, db, published, known, costs: BTreeMap::new() }
    }

    pub(super) fn table(&self) -> Table<6> {
        let costs = self.costs.iter();
        Table::new(&FORM, costs.map(|(name, cost)| ((*name).to_owned(), cost.numbers())))
    }

    /// Waits until all has come that is known to, and then until nothing more does; returns
    /// what came since the last time.
    async fn traffic(&self, known: Cost) -> Traffic {
        let mut traffic = Traffic::default();
        let latest = Instant::now() + PATIENCE;
        loop {
            time::sleep(SOON).await;
            let is_quiet = !self.take(&mut traffic).await;
            if is_quiet && (traffic.cost().covers(known) || latest < Instant::now()) {
                return traffic;
            }
        }
    }

    /// Uses a connection. One that nobody has used for a while is asked whether it is still
    /// there, which is not what a call costs.
    async fn use_connection(&self) {
        self.db.execute_unprepared("SELECT").await.expect("the database answers");
        self.take(&mut Traffic::default()).await;
    }

    /// Says whether there was anything.
    async fn take(&self, traffic: &mut Traffic) -> bool {
        self.recorder.settled().await;
        let (trips, published) =
            (self.recorder.take_trips(), self.published.swap(0, Ordering::SeqCst));
        let is_any = !trips.is_empty() || published != 0;
        traffic.trips.extend(trips);
        traffic.executions.extend(self.recorder.take());
        traffic.publishes += published;
        is_any
    }
}

impl Meter for TrafficMeter<'_> {
    /// Of several calls of one name, the least is noted.
    async fn of<T>(&mut self, name: &'static str, call: impl Future<Output = T>) -> T {
        self.traffic(Cost::default()).await;
        self.use_connection().await;
        let answer = call.await;
        let known = self.known.get(name).map(Cost::of).unwrap_or_default();
        let cost = self.traffic(known).await.cost();

        let least = self.costs.remove(name).map_or(cost, |before| before.least(cost));
        self.costs.insert(name, least);
        answer
    }
}
